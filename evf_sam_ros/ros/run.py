"""Run one node in this process until it is told to stop; what every executable does."""

import os
import sys
import threading
from collections.abc import Callable

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node


def run(make_node: Callable[[], Node], args: list[str] | None = None) -> int:
    """Make the node, spin it, end it in order; return the exit code.

    A ValueError of `make_node` is a mistake of the user's and ends with its one sentence.
    """
    rclpy.init(args=args)
    node = None
    executor = SingleThreadedExecutor()
    try:
        node = make_node()
        executor.add_node(node)
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except ValueError as error:
        if node is not None:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1
    except Exception:
        if rclpy.ok():  # else a signal came in the midst of something, and that is why
            raise
    finally:
        executor.shutdown()
        if node is not None:
            node.destroy_node()
        rclpy.try_shutdown()
    if threading.active_count() > 1:
        # A model in its forward pass cannot be interrupted, and Python would not end well
        # around it. Everything is in order but that thread.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)
    return 0
