"""Run the model on an image for the active commands."""

import gc
from collections.abc import Callable, Sequence
from dataclasses import replace
from time import perf_counter_ns
from typing import Any

import torch
from rclpy.clock import Clock
from rclpy.impl.rcutils_logger import RcutilsLogger
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.geometry import DepthStatus
from evf_sam_ros.perception.judgement import DOUBTFUL, Rules
from evf_sam_ros.perception.placement import UNPLACED, Placement
from evf_sam_ros.perception.predictor import Predictor, Segmentation
from evf_sam_ros.perception.track_ids import TrackIds
from evf_sam_ros.perception.tracker import State, Target, TargetTracker, joined
from evf_sam_ros.perception.weight_watch import WeightWatch
from evf_sam_ros.pictures.damaged import DamagedImageError
from evf_sam_ros.ros.conversions import Rgb, rgb_from_compressed, rgb_from_image
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.depth_source import DepthSource, NoDepth, RegisteredDepth
from evf_sam_ros.ros.node.received import ReceivedImage
from evf_sam_ros.ros.node.replies import (
    Answer,
    Frame,
    Observation,
    Refusal,
    Seen,
    answers_from,
    reply,
    rules_of,
)
from evf_sam_ros.ros.parameters import NodeParameters, depth_options
from evf_sam_ros.ros.stamps import duration_message, nanoseconds

SHOWN = (SegmentationResult.FOUND, SegmentationResult.AMBIGUOUS)
NO_DEPTH = NoDepth(DepthStatus.NONE, "")


class Observer:
    """Runs the model on an image; called from one thread at a time."""

    def __init__(
        self,
        predictor: Predictor,
        depth: DepthSource,
        parameters: Callable[[], NodeParameters],
        clock: Clock,
        log: RcutilsLogger,
        *,
        weights: WeightWatch | None = None,
        place: Callable[[Header], Placement] = lambda header: UNPLACED,
    ) -> None:
        """Prepare to run the model.

        Args:
            predictor: the model.
            depth: source of depth images and camera_infos.
            parameters: returns the current parameters.
            clock: the node's clock.
            log: the node's logger.
            weights: watches memory-mapped weight files; None: they are not mapped.
            place: tells where the camera stood at the stamp of an image; may wait for it.
        """
        self._place = place
        self._weights = weights
        self.rectified = False  # whether the images are, so that P and not K is their camera
        self._predictor = predictor
        self._follow = TargetTracker(predictor)
        self._track_ids: TrackIds[Target] = TrackIds()
        self._depth = depth
        self._parameters = parameters
        self._clock = clock
        self._log = log

    def look(
        self,
        frame: Frame,
        commands: Sequence[Command],
        max_age_s: float,
        judged_ns: int | None = None,
        *,
        tracks: bool = False,
    ) -> Seen:
        """Run the model on an image; return what it saw, or why it was not run or failed.

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
            return Refusal(frame.header, commands, stale, message, now - stamp)
        try:
            return self._look(frame, commands, now - stamp, tracks)
        except DamagedImageError as error:
            unsuitable, message = SegmentationResult.UNSUITABLE_IMAGE, self._explained(error)
            header, age = frame.header, now - stamp
            return Refusal(header, commands, unsuitable, message, age, damaged=True)
        except Exception as error:  # whatever it is, the next image must be answered
            status, message = SegmentationResult.ERROR, self._explained(error)
        return Refusal(frame.header, commands, status, message, now - stamp)

    def segment(
        self, image_rgb: Rgb, expressions: Sequence[str]
    ) -> tuple[Segmentation, Rules] | str:
        """Run the model on an image that was read; return the reason where that fails."""
        parameters = self._parameters()
        try:
            if self._weights is not None:
                self._weights.check()
            wanted = parameters.score_threshold
            wish: dict[str, Any] = {} if wanted < 0 else {"score_threshold": wanted}
            segmentation = self._predictor(image_rgb, expressions, **wish)
        except Exception as error:  # as in `look`
            return self._explained(error)
        threshold = self._predictor.score_threshold if wanted < 0 else wanted
        return segmentation, rules_of(parameters, threshold)

    def answers(self, seen: Seen) -> list[Answer]:
        """Return one answer to each command; an error in making them becomes the answer.

        The model is not needed: another thread may call this while the next image is processed.
        """
        if isinstance(seen, Refusal):
            return _refused(seen)
        try:
            if isinstance(seen.depth, RegisteredDepth):
                seen = replace(seen, placement=self._place(seen.header))
            answers = answers_from(seen)
            if seen.follows:
                self._number_tracks(seen.commands, answers)
        except Exception as error:  # as in `look`
            status, message = SegmentationResult.ERROR, self._explained(error)
            return _refused(Refusal(seen.header, seen.commands, status, message, seen.age_ns))
        return _aged(answers, seen.age_ns)

    def _number_tracks(self, commands: Sequence[Command], answers: Sequence[Answer]) -> None:
        """Give each object the number that it has had in the images before."""
        targets = [_target(each) for each in commands]
        shown = {
            target: answer.parts if answer.result.status in SHOWN else ()
            for target, answer in zip(targets, answers, strict=True)
        }
        numbers = self._track_ids(shown)
        for target, answer in zip(targets, answers, strict=True):
            for found, number in zip(answer.result.objects, numbers[target], strict=False):
                found.track_id = number

    def _explained(self, error: Exception) -> str:
        """Log what went wrong, make room where that was the matter, and return the sentence."""
        if isinstance(error, ValueError):
            self._log.warning(f"Image skipped: {error}", throttle_duration_sec=5.0)
            return str(error)
        message = f"{type(error).__name__}: {error}"
        self._log.error(f"Image not processed: {message}", throttle_duration_sec=5.0)
        if isinstance(error, MemoryError | torch.OutOfMemoryError):
            gc.collect()
            torch.cuda.empty_cache()
        return message

    def _look(
        self, frame: Frame, commands: Sequence[Command], age_ns: int, tracks: bool
    ) -> Observation:
        parameters = self._parameters()
        started = perf_counter_ns()
        if self._weights is not None:
            self._weights.check()
        image_rgb = read_frame(frame, parameters.max_decoded_px)
        self._depth.expect(frame.header)
        read = perf_counter_ns()
        wanted = parameters.score_threshold
        threshold = self._predictor.score_threshold if wanted < 0 else wanted
        segmentation, lost = self._segment(image_rgb, commands, threshold, tracks)
        may_tell = segmentation.scores >= (threshold or 0.0) - DOUBTFUL
        depth: RegisteredDepth | NoDepth = NO_DEPTH
        if parameters.use_depth and may_tell.any():
            height, width = image_rgb.shape[:2]
            options = depth_options(parameters, self.rectified)
            depth = self._depth.find(frame.header, (width, height), options)
        return Observation(
            header=frame.header,
            commands=commands,
            image_rgb=image_rgb,
            segmentation=segmentation,
            lost=lost,
            threshold=threshold,
            depth=depth,
            parameters=parameters,
            reading_ns=read - started,
            elapsed_ns=perf_counter_ns() - started,
            age_ns=age_ns,
            follows=tracks,
        )

    def _segment(
        self, image_rgb: Rgb, commands: Sequence[Command], threshold: float | None, tracks: bool
    ) -> tuple[Segmentation, list[bool]]:
        """Return what the model finds, and what it has found before but lost."""
        if not tracks:
            expressions = [command.expression for command in commands]
            own = threshold == self._predictor.score_threshold
            wish: dict[str, Any] = {} if own else {"score_threshold": threshold}
            return self._predictor(image_rgb, expressions, **wish), [False] * len(commands)
        targets = [_target(each) for each in commands]
        followed = self._follow(image_rgb, targets, score_threshold=threshold)
        lost = [track.state is State.LOST for track in followed]
        return joined([track.segmentation for track in followed]), lost


def _target(command: Command) -> Target:
    """Return what tells a command from others, also from the same words said again."""
    return f"{command.id} {nanoseconds(command.stamp)}", command.expression


def _refused(refusal: Refusal) -> list[Answer]:
    status, message, header = refusal.status, refusal.message, refusal.header
    answers = [reply(command, status, message, header) for command in refusal.commands]
    for each in answers:
        each.result.image_damaged = refusal.damaged
    return _aged(answers, refusal.age_ns)


def _aged(answers: list[Answer], age_ns: int) -> list[Answer]:
    for each in answers:
        each.result.frame_age = duration_message(age_ns)
    return answers


def read_frame(frame: Frame, most_px: int) -> Rgb:
    """Decode an image message to RGB (H, W, 3).

    Raises:
        ValueError: it cannot be decoded, or has more than `most_px` pixels.
    """
    if isinstance(frame, Image | ReceivedImage):
        return rgb_from_image(frame)
    return rgb_from_compressed(frame, most_px)


def _age_message(header: Header, age_ns: int, max_age_s: float) -> str:
    if nanoseconds(header.stamp) == 0:
        return (
            "the image has no stamp (0), so neither its age nor its depth can be told: "
            "the camera driver must stamp each image with the time at which it was taken"
        )
    if age_ns > 0:
        return f"the newest image is {age_ns / 1e9:.3f} s old, max_frame_age_s is {max_age_s:g}"
    return (
        f"the image's stamp is {-age_ns / 1e9:.3f} s ahead of the node's clock: "
        "set the clocks, or use_sim_time, alike"
    )
