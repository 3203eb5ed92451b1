"""The node of the operator's page: subscribes to the segmentation node while a browser is open."""

import sys
import time
from dataclasses import dataclass
from typing import Any

import cv2
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.clock import Clock, ClockType  # type: ignore[attr-defined]
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CompressedImage, Image, PointCloud2
from std_msgs.msg import String

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.ros.conversions import Rgb, rgb_from_compressed, rgb_from_image
from evf_sam_ros.ros.interface import (
    BURST,
    CANCEL,
    COMPRESSED_IMAGE,
    DIAGNOSTICS,
    IMAGE,
    OBJECT_POINTS,
    OVERLAY,
    RESULT,
    TEXT_COMMAND,
    Endpoint,
)
from evf_sam_ros.ros.parameter_server import ParameterServer
from evf_sam_ros.ros.parameter_values import LenientParameters
from evf_sam_ros.ros.parameters import Effect, Settings, setting
from evf_sam_ros.ros.run import run
from evf_sam_ros.ros.stamps import nanoseconds
from evf_sam_ros.ros.web.access import Access, token_from_environment
from evf_sam_ros.ros.web.describe import (
    diagnostics_document,
    document,
    result_document,
    statuses_of,
)
from evf_sam_ros.ros.web.liveness import Liveness
from evf_sam_ros.ros.web.points import points_document
from evf_sam_ros.ros.web.server import PageServer

NODE = "evf_sam"  # whose page this is, in our namespace; other names by remapping
LOOK_S = 0.25  # between looks at who is there
# So long after an overlay, and twice as long as an answer takes, the camera is not shown
# itself: else its pictures would flicker between the answers of a slow model.
ANSWERING_S = 1.5
FINAL = (SegmentationResult.CANCELLED, SegmentationResult.COMMAND_EXPIRED)
POINTS_S = 10.0  # so long after a browser has asked for points they are subscribed to
CAMERA_QOS = QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


@dataclass(frozen=True)
class PageParameters(Settings):
    """Parameters of the page's node."""

    host: str = setting(
        "127.0.0.1",
        "address to listen on; one that other machines reach needs a token",
        effect=Effect.START,
    )
    port: int = setting(
        8420, "port to listen on; 0: any that is free", effect=Effect.START, range=(0, 65535)
    )
    max_rate_hz: float = setting(15.0, "most pictures per second", range=(0.1, 120.0))
    max_width_px: int = setting(1280, "wider pictures are shrunk", range=(64, 8192))
    jpeg_quality: int = setting(80, "of the pictures sent to the browser", range=(10, 100))
    image_transport: str = setting(
        "raw",
        "`raw` reads `image`, `compressed` reads `image/compressed`",
        effect=Effect.START,
        choices=("raw", "compressed"),
    )


class PageNode(LenientParameters):
    """Connects the topics of a segmentation node with browsers."""

    def __init__(self, **node_options: Any) -> None:
        super().__init__("evf_sam_page", **node_options)
        self._settings = ParameterServer(self, PageParameters)
        self._listening: list[Any] = []
        self._sent_at = {"overlay": 0.0, "camera": 0.0, "points": 0.0}
        self._live = Liveness()
        self._points: Any = None
        self._points_until = 0.0
        self._answer_takes_s = 0.0
        self._commands = self.create_publisher(String, TEXT_COMMAND.name, 10)
        self._cancel: Any = self.create_client(CANCEL.type, _of_node(CANCEL))
        settings = self._settings.current
        self._server = PageServer(Access(settings.host, token_from_environment()), self)
        self._server.start(settings.port)
        self.create_timer(LOOK_S, self._look, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.get_logger().info(f"The page is at {self._server.url}")

    def destroy_node(self) -> None:
        self._server.stop()
        super().destroy_node()

    # What the browser asks for, in the server's thread

    def say(self, text: str) -> None:
        self._live.asked("find", text)
        self._commands.publish(String(data=text))
        if not self._commands.get_subscription_count():
            self._server.put("notice", document("notice", text="Nobody listens to text_command."))

    def cancel(self) -> None:
        if not self._cancel.service_is_ready():
            self._server.put("notice", document("notice", text=f"No {self._cancel.srv_name}."))
            return
        self._live.asked("stop")
        future = self._cancel.call_async(CANCEL.type.Request())
        future.add_done_callback(self._cancelled)

    def show_points(self) -> None:
        self._points_until = time.monotonic() + POINTS_S

    def _cancelled(self, future: Any) -> None:
        self._live.answered("stop")
        answer = future.result()
        if answer is not None:
            self._server.put("notice", document("notice", text=answer.message[:500]))

    # What the browser is shown, in the executor's thread

    def _look(self) -> None:
        """Listen only while somebody looks: the node draws overlays only for who listens."""
        if not self._server.audience:
            for each in self._listening:
                self.destroy_subscription(each)
            self._listening = []
            self._follow_points(False)
            return
        if not self._listening:
            self._listen()
        self._follow_points(time.monotonic() < self._points_until)
        state = document(
            "state",
            node=self.count_publishers(_of_node(RESULT)) > 0,
            **self._live.document(),
            namespace=self.get_namespace(),
        )
        self._server.put("state", state)

    def _listen(self) -> None:
        raw = self._settings.current.image_transport == "raw"
        camera = (IMAGE, self._on_image) if raw else (COMPRESSED_IMAGE, self._on_compressed)
        endpoint, callback = camera
        self._live.seen("camera", "node")  # gives them time to be seen
        reliable = QoSProfile(depth=1)
        self._listening = [
            self.create_subscription(endpoint.type, endpoint.name, callback, CAMERA_QOS),
            self.create_subscription(Image, _of_node(OVERLAY), self._on_overlay, reliable),
            self.create_subscription(
                SegmentationResult, _of_node(RESULT), self._on_result, QoSProfile(depth=BURST)
            ),
            self.create_subscription(DiagnosticArray, DIAGNOSTICS.name, self._on_diagnostics, 10),
        ]

    def _follow_points(self, wanted: bool) -> None:
        """Subscribe to the object's points only on request: the node computes them for us."""
        if wanted and self._points is None:
            self._points = self.create_subscription(
                PointCloud2, _of_node(OBJECT_POINTS), self._on_points, QoSProfile(depth=1)
            )
        elif not wanted and self._points is not None:
            self.destroy_subscription(self._points)
            self._points = None

    def _on_points(self, message: PointCloud2) -> None:
        if self._is_due("points"):
            self._server.put("points", points_document(message))

    def _on_overlay(self, message: Image) -> None:
        if self._is_due("overlay"):
            self._show("overlay", rgb_from_image(message))

    def _on_image(self, message: Image) -> None:
        if self._camera_is_due():
            self._show_camera(message, rgb_from_image)

    def _on_compressed(self, message: CompressedImage) -> None:
        if self._camera_is_due():
            self._show_camera(message, rgb_from_compressed)

    def _on_result(self, message: SegmentationResult) -> None:
        self._live.seen("node")
        self._live.answered("find", message.command)
        if message.status == SegmentationResult.REPLACED:
            return  # what took its place is shown
        # A refusal is a kind of its own: the answers to the command that is followed go on, and
        # a browser is only sent the newest of each kind.
        rejected = message.status == SegmentationResult.COMMAND_REJECTED
        kind = "rejected" if rejected else "result"
        self._server.put(kind, result_document(message, kind))
        self._answer_takes_s = max(0.0, nanoseconds(message.total) / 1e9)
        if message.status in FINAL:
            self._sent_at["overlay"] = 0.0

    def _on_diagnostics(self, message: DiagnosticArray) -> None:
        statuses = statuses_of(message, f"{self.get_namespace().rstrip('/')}/{NODE}")
        if statuses:
            self._live.seen("node")
            self._server.put("diagnostics", diagnostics_document(statuses))

    def _camera_is_due(self) -> bool:
        self._live.seen("camera")
        hold_s = ANSWERING_S + 2 * self._answer_takes_s
        answering = time.monotonic() - self._sent_at["overlay"] < hold_s
        return not answering and self._is_due("camera")

    def _is_due(self, kind: str) -> bool:
        now = time.monotonic()
        if now - self._sent_at[kind] < 1.0 / self._settings.current.max_rate_hz:
            return False
        self._sent_at[kind] = now
        return True

    def _show_camera(self, message: Any, rgb_from: Any) -> None:
        try:
            image_rgb = rgb_from(message)
        except ValueError as error:
            self._server.put("notice", document("notice", text=f"Camera: {error}"))
        else:
            self._show("camera", image_rgb)

    def _show(self, kind: str, image_rgb: Rgb) -> None:
        """Send a picture as JPEG, after one byte that tells what it is: o or c."""
        settings = self._settings.current
        height, width = image_rgb.shape[:2]
        if width > settings.max_width_px:
            size = (settings.max_width_px, max(1, round(height * settings.max_width_px / width)))
            image_rgb = cv2.resize(image_rgb, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        bgr = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)
        quality = [cv2.IMWRITE_JPEG_QUALITY, settings.jpeg_quality]
        good, jpeg = cv2.imencode(".jpg", bgr, quality)
        if good:
            self._server.put("picture", kind[:1].encode() + jpeg.tobytes())


def _of_node(endpoint: Endpoint) -> str:
    """Return the name of one of the node's private topics or services, as seen beside it."""
    return endpoint.name.replace("~", NODE)


def main(args: list[str] | None = None) -> int:
    return run(PageNode, args)


if __name__ == "__main__":
    sys.exit(main())
