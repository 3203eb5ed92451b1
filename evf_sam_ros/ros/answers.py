"""One image and its commands in, an answer to each out; what is wrong with them is said in it."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import perf_counter_ns
from typing import TypeAlias

import numpy as np
import torch
from rclpy.clock import Clock
from rclpy.impl.rcutils_logger import RcutilsLogger
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.geometry import Mask, NoLocation, locate
from evf_sam_ros.perception.predictor import Predictor, Segmentation
from evf_sam_ros.perception.tracker import State, TargetTracker, joined
from evf_sam_ros.ros.commands import Command
from evf_sam_ros.ros.conversions import Rgb, rgb_from_compressed, rgb_from_image
from evf_sam_ros.ros.depth_source import DepthSource, NoDepth, RegisteredDepth
from evf_sam_ros.ros.judgement import DOUBTFUL, judge
from evf_sam_ros.ros.objects import object_message
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.stamps import duration_message, nanoseconds, time_message

LOST = "lost: hidden, gone, or what looks like it is too far from where it was"
NO_DEPTH = NoDepth(SegmentationResult.NONE, "")

Frame: TypeAlias = Image | CompressedImage


@dataclass(frozen=True)
class Answer:
    """A result and the pictures behind it; without them the image was not processed."""

    result: SegmentationResult
    image_rgb: Rgb | None = None
    parts: tuple[Mask, ...] = ()  # (H, W), one for each of the result's objects
    depth: RegisteredDepth | None = None

    @property
    def mask(self) -> Mask | None:
        """Return (H, W), what may be acted on: all False unless the status is FOUND."""
        if self.image_rgb is None:
            return None
        found = self.result.status == SegmentationResult.FOUND
        return union(self.parts if found else (), self.image_rgb)


def union(masks: Sequence[Mask], image_rgb: Rgb) -> Mask:
    """Return (H, W), the pixels of any of the masks, which may be none."""
    nothing = np.zeros(image_rgb.shape[:2], bool)
    return np.logical_or.reduce([nothing, *masks])


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
        self._follow = TargetTracker(predictor)
        self._depth = depth
        self._parameters = parameters
        self._clock = clock
        self._log = log

    def __call__(
        self,
        frame: Frame,
        commands: Sequence[Command],
        max_age_s: float,
        judged_ns: int | None = None,
        *,
        tracks: bool = False,
    ) -> list[Answer]:
        """Answer each command, always: what goes wrong is the answers' status and message.

        Args:
            frame: the image, of any kind and in any condition.
            commands: at least one; the model sees the image once for all of them.
            max_age_s: 0 for any age.
            judged_ns: the time, on the node's clock, at which the age counts; None: now.
            tracks: whether the image is the next of a stream in which they are followed.
        """
        now = self._clock.now().nanoseconds
        stamp = nanoseconds(frame.header.stamp)
        age = (now if judged_ns is None else judged_ns) - stamp
        if max_age_s and abs(age) > max_age_s * 1e9:
            stale = SegmentationResult.STALE_FRAME
            message = _age_message(frame.header, age, max_age_s)
            answers = [reply(command, stale, message, frame.header) for command in commands]
        else:
            answers = self._look_safely(frame, commands, tracks)
        for answer in answers:
            answer.result.frame_age = duration_message(now - stamp)
        return answers

    def _look_safely(
        self, frame: Frame, commands: Sequence[Command], tracks: bool
    ) -> list[Answer]:
        try:
            return self._look(frame, commands, tracks)
        except ValueError as error:
            message = str(error)
            self._log.warning(f"Image skipped: {message}", throttle_duration_sec=5.0)
        except Exception as error:  # whatever it is, the next image must be answered
            message = f"{type(error).__name__}: {error}"
            self._log.error(f"Image not processed: {message}", throttle_duration_sec=5.0)
            if isinstance(error, MemoryError | torch.OutOfMemoryError):
                gc.collect()
                torch.cuda.empty_cache()
        error_status = SegmentationResult.ERROR
        return [reply(command, error_status, message, frame.header) for command in commands]

    def _look(self, frame: Frame, commands: Sequence[Command], tracks: bool) -> list[Answer]:
        parameters = self._parameters()
        started = perf_counter_ns()
        image_rgb = _read(frame)
        self._depth.expect(frame.header)
        read = perf_counter_ns()
        wanted = parameters.score_threshold
        self._predictor.score_threshold = self._calibrated_threshold if wanted < 0 else wanted
        segmentation, lost = self._segment(image_rgb, commands, tracks)
        threshold = self._predictor.score_threshold
        may_tell = segmentation.scores >= (threshold or 0.0) - DOUBTFUL
        depth = self._find_depth(frame, image_rgb) if may_tell.any() else NO_DEPTH
        depth_m = depth.depth_m if isinstance(depth, RegisteredDepth) else None
        answers = []
        for index, command in enumerate(commands):
            judged = judge(
                command.expression, (segmentation, index), depth_m, threshold, parameters
            )
            message = LOST if lost[index] else judged.message
            answer = reply(command, judged.status, message, frame.header)
            answer.result.score = float(segmentation.scores[index])
            answer = replace(answer, image_rgb=image_rgb, parts=judged.parts)
            answers.append(self._placed(answer, depth))
        _number_objects(answers)
        elapsed = perf_counter_ns() - started
        for answer in answers:
            _note_times(answer.result, segmentation, read - started, elapsed)
        return answers

    def _segment(
        self, image_rgb: Rgb, commands: Sequence[Command], tracks: bool
    ) -> tuple[Segmentation, list[bool]]:
        """Return what the model finds, and what it has found before but lost."""
        if not tracks:
            expressions = [command.expression for command in commands]
            return self._predictor(image_rgb, expressions), [False] * len(commands)
        targets = [(f"{each.id} {nanoseconds(each.stamp)}", each.expression) for each in commands]
        followed = self._follow(image_rgb, targets)
        lost = [track.state is State.LOST for track in followed]
        return joined([track.segmentation for track in followed]), lost

    def _find_depth(self, frame: Frame, image_rgb: Rgb) -> RegisteredDepth | NoDepth:
        parameters = self._parameters()
        if not parameters.use_depth:
            return NO_DEPTH
        height, width = image_rgb.shape[:2]
        image = Image(header=frame.header, height=height, width=width)
        return self._depth.find(image, parameters.depth_sync_slop_s, self.rectified)

    def _placed(self, answer: Answer, depth: RegisteredDepth | NoDepth) -> Answer:
        """Fill in the objects, with positions where depth gives them."""
        result, parts = answer.result, answer.parts
        if not parts:
            return answer
        if isinstance(depth, NoDepth):
            result.depth_status = depth.status
            result.message = "; ".join(filter(None, (result.message, depth.reason)))
            result.objects = [object_message(part, result.score, None) for part in parts]
            return answer
        parameters = self._parameters()
        limits = parameters.depth_min_m, parameters.depth_max_m
        up = np.array(parameters.up) if any(parameters.up) else None
        places = [locate(part, depth.depth_m, depth.camera, *limits, up=up) for part in parts]
        result.objects = [
            object_message(part, result.score, place)
            for part, place in zip(parts, places, strict=True)
        ]
        result.depth_status = SegmentationResult.OK
        if isinstance(places[0], NoLocation):
            result.depth_status = SegmentationResult.TOO_SPARSE
            reason = f"no position: {places[0].reason}"
            result.message = "; ".join(filter(None, (result.message, reason)))
        return replace(answer, depth=depth)


def _number_objects(answers: Sequence[Answer]) -> None:
    objects = (each for answer in answers for each in answer.result.objects)
    for number, each in enumerate(objects, start=1):
        each.label = number


def _read(frame: Frame) -> Rgb:
    return rgb_from_image(frame) if isinstance(frame, Image) else rgb_from_compressed(frame)


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
