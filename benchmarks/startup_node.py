"""The node, telling when it comes through each stage of its start; `startup.py` runs it.

    python benchmarks/startup_node.py BEGAN_S [--ros-args ...]

BEGAN_S is when the process was started, by the monotonic clock. Each stage is one line of JSON:
its name, the seconds since then, and the CPU time of this process so far.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from threading import Thread
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn

from evf_sam_ros.perception import predictor
from evf_sam_ros.ros.node.segmentation_node import SegmentationNode
from evf_sam_ros.ros.run import run


def mark(stage: str) -> None:
    """Tell that a stage has ended."""
    seconds = {"s": time.monotonic() - float(sys.argv[1]), "cpu_s": time.process_time()}
    print(json.dumps({"stage": stage, **seconds}), flush=True)


def marked(function: Callable[..., Any], stage: str) -> Callable[..., Any]:
    """Return the same function, which tells when it is done."""

    @wraps(function)
    def marking(*arguments: Any, **options: Any) -> Any:
        answer = function(*arguments, **options)
        mark(stage)
        return answer

    return marking


class MarkedNode(SegmentationNode):
    """As ever, but its stages are marked."""

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        mark("node")
        done = super().on_configure(state)
        mark("warm-up")
        return done

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        done = super().on_activate(state)
        mark("active")
        wait = getattr(self._predictor.engine, "wait", None) if self._predictor else None
        if wait is not None:  # a faster engine is being made
            Thread(target=marked(wait, "faster engine"), daemon=True).start()
        return done


if __name__ == "__main__":
    mark("imports")
    predictor.checkpoint.load = marked(predictor.checkpoint.load, "weights")
    predictor.tokenizer_of = marked(predictor.tokenizer_of, "vocabulary")
    predictor.engine_for = marked(predictor.engine_for, "engine")
    sys.exit(run(MarkedNode, sys.argv[2:], MarkedNode.start))
