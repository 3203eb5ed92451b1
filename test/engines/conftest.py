"""Fixtures of the engines' tests."""

from importlib.util import find_spec

import pytest


@pytest.fixture(autouse=True)
def _one_thread(request):
    if request.node.get_closest_marker("slow") is None:
        request.getfixturevalue("one_thread")


@pytest.fixture(scope="session")
def tiny_golden():
    """Return a small model of SAM's family with recorded answers."""
    from test_lean import GOLDENS

    from benchmarks.golden import load_golden

    if not GOLDENS.is_dir():
        pytest.skip(f"no golden data in {GOLDENS}")
    return load_golden(GOLDENS / "tiny_sam")


@pytest.fixture(scope="session")
def exported(tiny_golden, tmp_path_factory):
    """Return a folder that this model was exported to, with answers; a test must not change it."""
    from evf_sam_ros.engines.exported import writing

    if find_spec("onnx") is None or find_spec("onnxscript") is None:
        pytest.skip("optional: pip install '.[export]'")
    folder = tmp_path_factory.mktemp("exported") / "model"
    writing.export(tiny_golden.model, tiny_golden.config, folder)
    return folder
