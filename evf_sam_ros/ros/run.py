"""Run one node in this process until it is stopped; used by every executable."""

import _thread
import gc
import os
import signal
import sys
from collections.abc import Callable
from threading import Event, Thread
from typing import Any, TypeVar

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions
from rclpy.task import Future

from evf_sam_ros.ros.left_behind import remove_segments
from evf_sam_ros.ros.log_folder import ensure_log_folder
from evf_sam_ros.ros.memory import keep_freed
from evf_sam_ros.ros.shared_memory import fit_shared_memory

STOPPING_SIGNALS = (signal.SIGINT, signal.SIGTERM)
INTERRUPT = signal.SIGUSR2  # nobody sends it; raises KeyboardInterrupt in the main thread
PATIENCE_S = 2.0  # for an orderly end; whoever sent the signal may send SIGKILL after a few more
EXECUTOR_PATIENCE_S = 0.5  # of the above, for the callback that runs

N = TypeVar("N", bound=Node)


def run(
    make_node: Callable[[], N],
    args: list[str] | None = None,
    start: Callable[[N], object] = lambda node: None,
) -> int:
    """Make the node, start it, spin it, end it in order; return the exit code.

    A ValueError of `make_node`, or a machine without a folder for the log, is a mistake of the
    user's and ends with its one sentence. What anything raises later is logged, and the node goes
    on.
    """
    # rclpy's own handlers let Python raise KeyboardInterrupt in the midst of reading a message,
    # and wake the executor before they tell it why.
    stop = _StopSignal()
    keep_freed()
    gc.collect()
    try:
        ensure_log_folder()
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    fit_shared_memory()
    gc.freeze()  # the libraries stay: to look through them again would take most of the way out
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    code = _run(make_node, start, stop)
    stop.forget()
    context = rclpy.get_default_context()
    rclpy.try_shutdown()
    context.destroy()
    gc.collect()  # what still refers to a node keeps its shared memory
    _leave(code)
    return code


def _run(make_node: Callable[[], N], start: Callable[[N], object], stop: "_StopSignal") -> int:
    node = None
    executor = SingleThreadedExecutor()
    try:
        node = make_node()
        start(node)
        executor.add_node(node)
        _spin(executor, node, stop)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    except ValueError as error:
        if node is not None:
            raise
        print(f"error: {error}", file=sys.stderr)
        return 1
    finally:
        stop.is_ending.set()
        executor.shutdown(timeout_sec=EXECUTOR_PATIENCE_S)
        if node is not None:
            node.destroy_node()
    return 0


class _StopSignal:
    """A thread that waits for SIGINT and SIGTERM."""

    def __init__(self) -> None:
        self.is_ending = Event()  # the way out has begun; nothing is to be interrupted any more
        self._future: Future[None] | None = None
        self._executor: SingleThreadedExecutor | None = None
        self._came = Event()
        self._told, wakeup = os.pipe()
        os.set_blocking(wakeup, False)
        # Whichever thread gets the signal, Python's own handler writes its number there. Blocking
        # it would not do: threads that libraries started on import would die of it, and all with
        # them. The main thread must not be interrupted, so nothing else is done about it.
        signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
        for number in STOPPING_SIGNALS:
            signal.signal(number, lambda *_: None)
        signal.signal(INTERRUPT, signal.default_int_handler)
        Thread(target=self._wait, name="signals", daemon=True).start()

    def future(self, executor: SingleThreadedExecutor) -> "Future[None]":
        """Return what is done when a signal has come."""
        self._executor, self._future = executor, Future(executor=executor)
        if self._came.is_set():
            self._future.set_result(None)
        return self._future

    def forget(self) -> None:
        """Let go of the executor."""
        self._future = self._executor = None

    def _wait(self) -> None:
        while os.read(self._told, 1)[0] not in STOPPING_SIGNALS:
            pass
        self._came.set()
        if self._future is None or self._executor is None:
            if not self.is_ending.is_set():
                _thread.interrupt_main(
                    INTERRUPT
                )  # it is loading a model, and nothing waits for messages
        else:
            self._future.set_result(None)
            self._executor.wake()
        Event().wait(PATIENCE_S)
        _leave(0)


def _spin(executor: SingleThreadedExecutor, node: Node, stop: _StopSignal) -> None:
    future = stop.future(executor)
    while rclpy.ok() and not future.done():
        try:
            executor.spin_until_future_complete(future)
        except ExternalShutdownException:
            return
        except Exception as error:
            node.get_logger().error(
                f"A callback failed: {type(error).__name__}: {error}", throttle_duration_sec=1.0
            )
            release(node)


def release(node: Node) -> None:
    """Let the node hear again: where reading a message fails, rclpy leaves its reader busy."""
    entities: list[Any] = [*node.subscriptions, *node.services, *node.clients, *node.timers]
    for entity in entities:
        if getattr(entity, "_executor_event", False):
            entity._executor_event = False
            entity.callback_group.ending_execution(entity)
    gc.collect()


def _leave(code: int) -> None:
    """End the process at once, with everything in order that others can see.

    A model in its forward pass cannot be interrupted, Python would not end well around it, and
    taking PyTorch apart takes longer than all the rest.
    """
    remove_segments()  # whoever is still at work keeps a node, and with it its shared memory
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
