"""What every test of the networks needs."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _one_thread(request):
    """Run small models on one thread: more only wait for each other where cores are few."""
    threads = torch.get_num_threads()
    if request.node.get_closest_marker("slow") is None:
        torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
