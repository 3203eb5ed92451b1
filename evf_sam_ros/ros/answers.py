"""One image and one command in, one answer out; whatever is wrong with them is said in it."""

import gc
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter_ns
from typing import TypeAlias

import numpy as np
import torch
from geometry_msgs.msg import Point, Quaternion, Vector3
from rclpy.clock import Clock
from rclpy.impl.rcutils_logger import RcutilsLogger
from sensor_msgs.msg import CompressedImage, Image, RegionOfInterest
from std_msgs.msg import Header

from evf_sam_ros.msg import SegmentationResult, SegmentedObject
from evf_sam_ros.perception.geometry import (
    Location,
    Mask,
    NoLocation,
    locate,
    outline,
    split_instances,
)
from evf_sam_ros.perception.predictor import Predictor, Segmentation
from evf_sam_ros.ros.commands import Command
from evf_sam_ros.ros.conversions import Rgb, rgb_from_compressed, rgb_from_image
from evf_sam_ros.ros.depth_source import DepthSource, NoDepth
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.stamps import duration_message, nanoseconds, time_message

MAX_PARTS = 16  # more are no objects but a mask in shreds, and each one takes time

Frame: TypeAlias = Image | CompressedImage


@dataclass(frozen=True)
class Answer:
    """A result and the pictures behind it; without them the image was not processed."""

    result: SegmentationResult
    mask: Mask | None = None  # (H, W)
    image_rgb: Rgb | None = None


def reply(command: Command, status: int, message: str, header: Header) -> Answer:
    """Answer without having looked."""
    return Answer(
        SegmentationResult(
            header=header,
            command_id=command.id,
            command=command.text,
            expression=command.expression,
            command_stamp=command.stamp,
            status=status,
            message=message,
        )
    )


def now_header(clock: Clock) -> Header:
    """Return the header of an answer without an image."""
    return Header(stamp=time_message(clock.now().nanoseconds))


class Answerer:
    """Look for what a command names in an image; called from one thread at a time."""

    def __init__(
        self,
        predictor: Predictor,
        depth: DepthSource,
        parameters: Callable[[], NodeParameters],
        clock: Clock,
        log: RcutilsLogger,
    ) -> None:
        self.rectified = False  # whether the images are, so that P and not K is their camera
        self._predictor = predictor
        self._calibrated_threshold = predictor.score_threshold
        self._depth = depth
        self._parameters = parameters
        self._clock = clock
        self._log = log

    def __call__(self, frame: Frame, command: Command, max_age_s: float) -> Answer:
        """Answer, always: what goes wrong is the answer's status and message."""
        age = self._clock.now().nanoseconds - nanoseconds(frame.header.stamp)
        if max_age_s and abs(age) > max_age_s * 1e9:
            stale = SegmentationResult.STALE_FRAME
            message = _age_message(frame.header, age, max_age_s)
            answer = reply(command, stale, message, frame.header)
        else:
            answer = self._look_safely(frame, command)
        answer.result.frame_age = duration_message(age)
        return answer

    def _look_safely(self, frame: Frame, command: Command) -> Answer:
        try:
            return self._look(frame, command)
        except ValueError as error:
            message = str(error)
            self._log.warning(f"Image skipped: {message}", throttle_duration_sec=5.0)
        except Exception as error:  # whatever it is, the next image must be answered
            message = f"{type(error).__name__}: {error}"
            self._log.error(f"Image not processed: {message}", throttle_duration_sec=5.0)
            if isinstance(error, MemoryError | torch.OutOfMemoryError):
                gc.collect()
                torch.cuda.empty_cache()
        return reply(command, SegmentationResult.ERROR, message, frame.header)

    def _look(self, frame: Frame, command: Command) -> Answer:
        parameters = self._parameters()
        started = perf_counter_ns()
        image_rgb = _read(frame)
        partner = self._depth.exact(frame) if parameters.use_depth else None
        read = perf_counter_ns()
        wanted = parameters.score_threshold
        self._predictor.score_threshold = self._calibrated_threshold if wanted < 0 else wanted
        segmentation = self._predictor(image_rgb, [command.expression])
        answer = reply(command, 0, "", frame.header)
        parts = _parts(segmentation, parameters.min_mask_area_px)
        _judge(answer.result, segmentation, parts, parameters)
        if parts:
            self._place(answer.result, frame, image_rgb, partner, parts)
        mask = np.logical_or.reduce(parts) if parts else np.zeros(image_rgb.shape[:2], bool)
        _note_times(answer.result, segmentation, read - started, perf_counter_ns() - started)
        return Answer(answer.result, mask, image_rgb)

    def _place(
        self,
        result: SegmentationResult,
        frame: Frame,
        image_rgb: Rgb,
        partner: Image | None,
        parts: list[Mask],
    ) -> None:
        """Fill in the objects, with positions where depth gives them."""
        parameters = self._parameters()
        height, width = image_rgb.shape[:2]
        image = Image(header=frame.header, height=height, width=width)
        depth = (
            self._depth.find(image, parameters.depth_sync_slop_s, self.rectified, partner)
            if parameters.use_depth
            else NoDepth(SegmentationResult.NONE, "")
        )
        if isinstance(depth, NoDepth):
            result.depth_status, result.message = depth.status, depth.reason
            result.objects = [_object_message(part, result.score, None) for part in parts]
            return
        limits = parameters.depth_min_m, parameters.depth_max_m
        places = [locate(part, depth.depth_m, depth.camera, *limits) for part in parts]
        result.objects = [
            _object_message(part, result.score, place)
            for part, place in zip(parts, places, strict=True)
        ]
        result.depth_status = SegmentationResult.OK
        if isinstance(places[0], NoLocation):
            result.depth_status = SegmentationResult.TOO_SPARSE
            result.message = f"no position: {places[0].reason}"


def _read(frame: Frame) -> Rgb:
    return rgb_from_image(frame) if isinstance(frame, Image) else rgb_from_compressed(frame)


def _parts(segmentation: Segmentation, min_area_px: int) -> list[Mask]:
    if not segmentation.found[0]:
        return []
    return split_instances(segmentation.masks[0], min_area_px)[:MAX_PARTS]


def _judge(
    result: SegmentationResult,
    segmentation: Segmentation,
    parts: list[Mask],
    parameters: NodeParameters,
) -> None:
    """Set status, score and the sentence that explains a NOT_FOUND."""
    result.score = float(segmentation.scores[0])
    result.status = SegmentationResult.FOUND if parts else SegmentationResult.NOT_FOUND
    if parts:
        return
    unknown = segmentation.unknown_words[0]
    if unknown:
        words = ", ".join(repr(word) for word in unknown)
        result.message = f"the model does not know {words}; say it in other words"
    elif segmentation.found[0]:
        result.message = (
            f"no part of the mask has min_mask_area_px, which is {parameters.min_mask_area_px}"
        )
    else:
        result.message = f"nothing in the image is {result.expression!r} to the model"


def _note_times(
    result: SegmentationResult, segmentation: Segmentation, reading_ns: int, all_ns: int
) -> None:
    times = segmentation.times
    preprocess = reading_ns + round(times.preprocess * 1e9)
    inference = round((times.encode_image + times.fuse_and_decode) * 1e9)
    result.preprocess = duration_message(preprocess)
    result.inference = duration_message(inference)
    result.postprocess = duration_message(all_ns - preprocess - inference)


def _age_message(header: Header, age_ns: int, max_age_s: float) -> str:
    if nanoseconds(header.stamp) == 0:
        return "the image has no stamp, so its age is unknown; max_frame_age_s 0 allows any age"
    if age_ns > 0:
        return f"the newest image is {age_ns / 1e9:.3f} s old, max_frame_age_s is {max_age_s:g}"
    return (
        f"the image's stamp is {-age_ns / 1e9:.3f} s ahead of the node's clock: "
        "set the clocks, or use_sim_time, alike"
    )


def _object_message(
    mask: Mask, score: float, place: Location | NoLocation | None
) -> SegmentedObject:
    shape = outline(mask)
    message = SegmentedObject(
        score=score,
        area=shape.area_px,
        roi=RegionOfInterest(
            x_offset=shape.roi.x,
            y_offset=shape.roi.y,
            width=shape.roi.width,
            height=shape.roi.height,
        ),
    )
    message.centroid_u, message.centroid_v = shape.centroid_uv
    message.anchor_u, message.anchor_v = map(float, shape.anchor_uv)
    if place is not None:
        message.depth_valid_ratio = place.depth_valid_ratio
    if isinstance(place, Location):
        message.has_position = True
        message.position = _point(place.position_m)
        message.position_covariance = place.covariance_m2.ravel().tolist()
        message.box_center = _point(place.box.center_m)
        x, y, z, w = place.box.orientation_xyzw.tolist()
        message.orientation = Quaternion(x=x, y=y, z=z, w=w)
        x, y, z = place.box.size_m.tolist()
        message.size = Vector3(x=x, y=y, z=z)
    return message


def _point(position_m: np.ndarray) -> Point:
    x, y, z = position_m.tolist()
    return Point(x=x, y=y, z=z)
