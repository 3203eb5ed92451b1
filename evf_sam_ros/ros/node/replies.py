"""Make the answers about an image: judge the model's output, place the objects, add the times."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from time import perf_counter_ns
from typing import TypeAlias

import numpy as np
from rclpy.clock import Clock
from std_msgs.msg import Header

from evf_sam_ros.msg import SegmentationResult
from evf_sam_ros.perception.approach import Approach, approach
from evf_sam_ros.perception.geometry import Floats, Location, Mask, NoLocation, locate
from evf_sam_ros.perception.judgement import Rules, judge
from evf_sam_ros.perception.placement import UNPLACED, Placement, moved
from evf_sam_ros.perception.predictor import Segmentation
from evf_sam_ros.ros.conversions import Rgb
from evf_sam_ros.ros.node.command import Command
from evf_sam_ros.ros.node.depth_source import NoDepth, RegisteredDepth
from evf_sam_ros.ros.node.objects import object_message
from evf_sam_ros.ros.node.received import Frame as Frame
from evf_sam_ros.ros.parameters import NodeParameters
from evf_sam_ros.ros.stamps import duration_message, nanoseconds, time_message
from evf_sam_ros.ros.statuses import DEPTH_STATUS_NUMBERS, STATUS_NUMBERS

LOST = "lost: hidden, gone, or what looks like it is too far from where it was"


@dataclass(frozen=True)
class Answer:
    """A result and the pictures behind it; without them the image was not processed."""

    result: SegmentationResult
    image_rgb: Rgb | None = None
    parts: tuple[Mask, ...] = ()  # (H, W), one for each of the result's objects
    depth: RegisteredDepth | None = None
    target_from_image: Floats | None = None  # (4, 4) of the result's target_frame
    approach: Approach | None = None  # in that frame, to the first object

    @property
    def mask(self) -> Mask | None:
        """Return (H, W), what may be acted on: all False unless the status is FOUND."""
        if self.image_rgb is None:
            return None
        found = self.result.status == SegmentationResult.FOUND
        return union(self.parts if found else (), self.image_rgb)


def union(masks: Sequence[Mask], image_rgb: Rgb) -> Mask:
    """Return (H, W), the pixels of any of the masks, which may be none; of one, itself."""
    if not masks:
        return np.zeros(image_rgb.shape[:2], bool)
    return reduce(np.logical_or, masks)


def reply(command: Command, status: int, message: str, header: Header) -> Answer:
    """Answer without having looked."""
    return Answer(
        SegmentationResult(
            header=header,
            command_id=command.id,
            command=command.text,
            expression=command.expression,
            command_stamp=command.stamp,
            camera=command.camera,
            status=status,
            message=message,
        )
    )


def now_header(clock: Clock) -> Header:
    """Return the header of an answer without an image."""
    return Header(stamp=time_message(clock.now().nanoseconds))


def note_total(answer: Answer, clock: Clock) -> None:
    """Note how long ago the image was taken, where one was processed."""
    if answer.image_rgb is not None:
        result = answer.result
        elapsed = clock.now().nanoseconds - nanoseconds(result.header.stamp)
        result.total = duration_message(elapsed)


@dataclass(frozen=True)
class Observation:
    """Output of the model for an image, and all that the answers are made from."""

    header: Header
    commands: Sequence[Command]
    image_rgb: Rgb
    segmentation: Segmentation  # of the commands' expressions
    lost: Sequence[bool]  # per command, whether it was found before and is no more
    threshold: float | None  # the score from which an object counts as found; None: any
    depth: RegisteredDepth | NoDepth
    parameters: NodeParameters
    reading_ns: int  # how long it took to read the image
    elapsed_ns: int  # and all of it so far
    age_ns: int  # of the image when it was looked at
    placement: Placement = UNPLACED  # known only after the model has run
    follows: bool = False  # whether it is the next of a stream in which the commands are followed

    @property
    def rules(self) -> Rules:
        return rules_of(self.parameters, self.threshold)


def rules_of(parameters: NodeParameters, threshold: float | None) -> Rules:
    """Return the limits of the decision, as the parameters set them.

    Args:
        parameters: of the node.
        threshold: the score from which an object counts as found; None: any.
    """
    return Rules(
        threshold=threshold,
        is_estimate=parameters.score_threshold < 0,
        least_area_px=parameters.min_mask_area_px,
        require_calibration=parameters.require_calibration,
    )


@dataclass(frozen=True)
class Refusal:
    """An image that was not processed, and the reason."""

    header: Header
    commands: Sequence[Command]
    status: int
    message: str
    age_ns: int  # as above
    damaged: bool = False  # whether the image is not whole


Seen: TypeAlias = Observation | Refusal


def answers_from(sight: Observation) -> list[Answer]:
    """Answer each command: this needs neither the model nor the node."""
    started = perf_counter_ns()
    answers = [_judged(sight, index) for index in range(len(sight.commands))]
    _number_objects(answers)
    elapsed = sight.elapsed_ns + perf_counter_ns() - started
    for answer in answers:
        _note_times(answer.result, sight.segmentation, sight.reading_ns, elapsed)
    return answers


def _judged(sight: Observation, index: int) -> Answer:
    command, segmentation = sight.commands[index], sight.segmentation
    depth_m = sight.depth.depth_m if isinstance(sight.depth, RegisteredDepth) else None
    judged = judge(
        command.expression, segmentation, index, depth_m, sight.rules, choice=command.choice
    )
    message = LOST if sight.lost[index] else judged.message
    answer = reply(command, STATUS_NUMBERS[judged.status], message, sight.header)
    answer.result.score = judged.score
    answer.result.calibrated = judged.calibrated
    answer = replace(answer, image_rgb=sight.image_rgb, parts=judged.parts)
    answer = _placed(answer, sight)
    for found, description in zip(answer.result.objects, judged.descriptions, strict=False):
        found.description = description
    return answer


def _placed(answer: Answer, sight: Observation) -> Answer:
    """Fill in the objects, with positions where depth gives them."""
    result, parts, depth = answer.result, answer.parts, sight.depth
    result.target_frame = sight.placement.target_frame
    if not parts:
        return answer
    if isinstance(depth, NoDepth):
        result.depth_status = DEPTH_STATUS_NUMBERS[depth.status]
        result.message = "; ".join(filter(None, (result.message, depth.reason)))
        result.objects = [object_message(part, result.score, None) for part in parts]
        return answer
    places = _places(parts, depth, sight)
    target_from_image = sight.placement.target_from_image
    result.objects = [
        object_message(part, result.score, place, target_from_image)
        for part, place in zip(parts, places, strict=True)
    ]
    result.depth_status = SegmentationResult.OK
    result.transform_status = sight.placement.status
    if isinstance(places[0], NoLocation):
        result.depth_status = DEPTH_STATUS_NUMBERS[places[0].status]
        reason = f"no position: {places[0].reason}"
        result.message = "; ".join(filter(None, (result.message, reason)))
    answer = replace(answer, depth=depth, target_from_image=target_from_image)
    return _approached(answer, places[0], sight.parameters)


def _approached(
    answer: Answer, place: Location | NoLocation, parameters: NodeParameters
) -> Answer:
    """Add the pose for going there, or why there is none."""
    result, target_from_image = answer.result, answer.target_from_image
    if target_from_image is None or isinstance(place, NoLocation):
        return answer
    if result.status != SegmentationResult.FOUND:
        return answer
    box = moved(place, target_from_image).box
    yaw_rad = parameters.approach_yaw_rad if parameters.approach_from == "yaw" else None
    try:
        pose = approach(box, target_from_image[:3, 3], parameters.stand_off_m, yaw_rad)
    except ValueError as error:
        result.approach_status = str(error)
        return answer
    return replace(answer, approach=pose)


def _places(
    parts: Sequence[Mask], depth: RegisteredDepth, sight: Observation
) -> list[Location | NoLocation]:
    """Locate each part in the image's optical frame."""
    parameters = sight.parameters
    limits = parameters.depth_min_m, parameters.depth_max_m
    up = sight.placement.up
    if up is None and any(parameters.up):
        up = np.array(parameters.up)
    return [locate(part, depth.depth_m, depth.camera, *limits, up=up) for part in parts]


def _number_objects(answers: Sequence[Answer]) -> None:
    objects = (each for answer in answers for each in answer.result.objects)
    for number, each in enumerate(objects, start=1):
        each.label = number


def _note_times(
    result: SegmentationResult, segmentation: Segmentation, reading_ns: int, all_ns: int
) -> None:
    times = segmentation.times
    preprocess = reading_ns + round(times.preprocess * 1e9)
    inference = round((times.encode_image + times.fuse_and_decode) * 1e9)
    result.preprocess = duration_message(preprocess)
    result.inference = duration_message(inference)
    result.postprocess = duration_message(all_ns - preprocess - inference)
