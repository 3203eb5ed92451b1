"""Run the model on an image for the active commands."""

import gc
from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter_ns

import torch
from rclpy.clock import Clock
from rclpy.impl.rcutils_logger import RcutilsLogger
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.geometry import DepthStatus
from evf_sam_ros.perception.judgement import DOUBTFUL
from evf_sam_ros.perception.predictor import Predictor, Segmentation
from evf_sam_ros.perception.tracker import State, TargetTracker, joined
from evf_sam_ros.perception.weight_watch import WeightWatch
from evf_sam_ros.pictures.damaged import DamagedImageError
from evf_sam_ros.ros.conversions import Rgb, rgb_from_compressed, rgb_from_image
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.depth_source import DepthSource, NoDepth, RegisteredDepth
from evf_sam_ros.ros.node.replies import Answer, Frame, Observation, answers_from, reply
from evf_sam_ros.ros.parameters import NodeParameters, depth_options
from evf_sam_ros.ros.stamps import duration_message, nanoseconds

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
    ) -> None:
        """Prepare to run the model.

        Args:
            predictor: the model.
            depth: source of depth images and camera_infos.
            parameters: returns the current parameters.
            clock: the node's clock.
            log: the node's logger.
            weights: watches memory-mapped weight files; None: they are not mapped.
        """
        self._weights = weights
        self.rectified = False  # whether the images are, so that P and not K is their camera
        self._predictor = predictor
        self._calibrated_threshold = predictor.score_threshold
        self._follow = TargetTracker(predictor)
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
    ) -> Callable[[], list[Answer]]:
        """Return what answers each command, always: what goes wrong is said in the answers.

        To call that takes no model: another thread may, while the next image is looked at.

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
        answer: Callable[[], list[Answer]]
        if max_age_s and abs(age) > max_age_s * 1e9:
            stale = SegmentationResult.STALE_FRAME
            message = _age_message(frame.header, age, max_age_s)
            answer = partial(_replies, commands, stale, message, frame.header)
        else:
            answer = self._look_safely(frame, commands, tracks)
        return partial(_aged, answer, now - stamp)

    def _look_safely(
        self, frame: Frame, commands: Sequence[Command], tracks: bool
    ) -> Callable[[], list[Answer]]:
        try:
            sight = self._look(frame, commands, tracks)
        except DamagedImageError as error:
            message = self._explained(error)
            unsuitable = SegmentationResult.UNSUITABLE_IMAGE
            return partial(_replies, commands, unsuitable, message, frame.header)
        except Exception as error:  # whatever it is, the next image must be answered
            message = self._explained(error)
            return partial(_replies, commands, SegmentationResult.ERROR, message, frame.header)
        return partial(self._answer_safely, sight)

    def _answer_safely(self, sight: Observation) -> list[Answer]:
        try:
            return answers_from(sight)
        except Exception as error:  # as above
            message = self._explained(error)
        return _replies(sight.commands, SegmentationResult.ERROR, message, sight.header)

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

    def _look(self, frame: Frame, commands: Sequence[Command], tracks: bool) -> Observation:
        parameters = self._parameters()
        started = perf_counter_ns()
        if self._weights is not None:
            self._weights.check()
        image_rgb = _read(frame, parameters.max_decoded_px)
        self._depth.expect(frame.header)
        read = perf_counter_ns()
        wanted = parameters.score_threshold
        threshold = self._calibrated_threshold if wanted < 0 else wanted
        self._predictor.score_threshold = threshold
        segmentation, lost = self._segment(image_rgb, commands, tracks)
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
        )

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


def _replies(
    commands: Sequence[Command], status: int, message: str, header: Header
) -> list[Answer]:
    return [reply(command, status, message, header) for command in commands]


def _aged(answer: Callable[[], list[Answer]], age_ns: int) -> list[Answer]:
    answers = answer()
    for each in answers:
        each.result.frame_age = duration_message(age_ns)
    return answers


def _read(frame: Frame, most_px: int) -> Rgb:
    if isinstance(frame, Image):
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
