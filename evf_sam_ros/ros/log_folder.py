"""Choose a writable folder for ROS's log; without one, rclpy ends with a traceback."""

import os
import sys
import tempfile
from pathlib import Path


def ensure_log_folder() -> None:
    """Make rclpy log to a writable folder, if need be a temporary one, which stderr then names.

    Raises:
        ValueError: no folder is writable; the message names ROS_LOG_DIR.
    """
    objection = _objection(_wanted())
    if not objection:
        return
    fallback = Path(tempfile.gettempdir()) / f"ros_log_{os.getuid()}"
    if second := _objection(fallback):
        raise ValueError(
            f"ROS has no folder for its log: {objection}, and {second}: set ROS_LOG_DIR to one "
            "that can be written"
        )
    os.environ["ROS_LOG_DIR"] = str(fallback)
    print(
        f"warning: {objection}, so ROS logs to {fallback}; set ROS_LOG_DIR to choose a folder",
        file=sys.stderr,
    )


def _wanted() -> Path | None:
    """Return the folder that rclpy takes; None: it finds none, as no HOME is set."""
    if folder := os.environ.get("ROS_LOG_DIR"):
        return Path(folder).expanduser()
    if folder := os.environ.get("ROS_HOME"):
        return Path(folder).expanduser() / "log"
    home = os.environ.get("HOME")
    return Path(home) / ".ros" / "log" if home else None


def _objection(folder: Path | None) -> str:
    if folder is None:
        return "HOME is not set"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return f"{folder} cannot be written ({error.strerror})"
