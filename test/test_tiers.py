"""The tests that `make test-unit` leaves out."""

from pathlib import Path

from tiers import HERE, LONG, is_integration


def test_every_module_that_is_named_as_long_is_there():
    assert not set(LONG) - {path.name for path in HERE.rglob("test_*.py")}


def test_a_module_that_starts_processes_or_ros_is_left_out():
    assert is_integration(HERE / "test_examples.py")
    assert is_integration(HERE / "ros" / "test_run.py")
    assert not is_integration(Path(__file__))


def test_every_package_has_tests_in_the_unit_tier():
    left = {path.parent for path in HERE.rglob("test_*.py") if not is_integration(path)}
    folders = {path.parent for path in HERE.rglob("test_*.py")}
    unit_only = {"ros/cameras", "ros/doctor", "cli", "engines/gpu"}  # parts of larger packages
    missing = {str(folder.relative_to(HERE)) for folder in folders - left}
    assert missing <= unit_only
