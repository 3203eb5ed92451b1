"""Fixtures of the networks' tests."""

import pytest


@pytest.fixture(autouse=True)
def _one_thread(request):
    if request.node.get_closest_marker("slow") is None:
        request.getfixturevalue("one_thread")
