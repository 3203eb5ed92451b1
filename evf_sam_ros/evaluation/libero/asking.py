"""Ask a model for what LIBERO's instructions handle first, and judge the answers."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.data.records import Record
from evf_sam_ros.evaluation.judged import Judged, JudgedImage, encode, judge_mask
from evf_sam_ros.evaluation.libero.pictures import View
from evf_sam_ros.evaluation.libero.tasks import target
from evf_sam_ros.evaluation.robot_metrics import lifting_of, spot
from evf_sam_ros.evaluation.tabletop import Predict
from evf_sam_ros.language.sentence import parse_command
from evf_sam_ros.perception.judgement import DEFAULT_RULES, Rules, judge
from evf_sam_ros.perception.predictor import Segmentation

Mask = NDArray[np.bool_]
# An object of fewer pixels is neither in view nor out of it: it is not asked for.
LEAST_VISIBLE_PX = 16
BACKGROUND = ""  # what a mask lies on that lies on no object
STAGES = ("preprocess", "encode_image", "fuse_and_decode", "postprocess")


@dataclass(frozen=True)
class Expected:
    """Object that an instruction names first, as people read it."""

    expression: str
    kind: str  # of expression: name, relation, place, attribute, part of a cabinet


@dataclass(frozen=True)
class Answer:
    """One instruction about one picture: how it was read, and what was found."""

    view: View
    expressions: tuple[str, ...]  # of the instruction; the first is asked
    expected: Expected | None  # None: an instruction that nobody has read for us
    targets: tuple[str, ...]
    status: str
    unknown: tuple[str, ...]  # words that the model does not know
    on: str  # the object or fixture under most of the mask; BACKGROUND, or no mask
    right: bool  # found, and it is the target
    image: JudgedImage

    @property
    def judged(self) -> Judged:
        return self.image.sentences[0]

    @property
    def read_rightly(self) -> bool | None:
        """Tell whether the first expression is as people read it; None where nobody has."""
        if self.expected is None:
            return None
        return self.expressions[:1] == (self.expected.expression,)


@cache
def expectations() -> dict[str, Expected]:
    """Return what each known instruction of LIBERO and LIBERO-PRO names first."""
    text = files("evf_sam_ros.evaluation.libero").joinpath("instructions.tsv").read_text("utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return {instruction: Expected(expression, kind) for instruction, expression, kind in rows[1:]}


def measure(
    predict: Predict, views: Iterable[View], rules: Rules = DEFAULT_RULES
) -> Iterator[Answer]:
    """Yield the answers to all instructions whose target can be told, as the node would give them.

    A view of which the target shows a few pixels alone is passed over.
    """
    for number, view in enumerate(views):
        truth = _truth(view)
        if truth is not None:
            yield _answer(predict, view, truth, rules, number)


def _truth(view: View) -> Mask | None:
    """Return the target's visible mask, (H, W), empty where it is out of view; None: pass over."""
    meant = target(view.task)
    if meant is None:
        return None
    if meant.part:
        mask = view.part(meant)
    else:
        masks = view.objects()
        nothing = np.zeros((view.height, view.width), bool)
        mask = np.logical_or.reduce([masks.get(name, nothing) for name in meant.names])
    return None if 0 < np.count_nonzero(mask) < LEAST_VISIBLE_PX else mask


@dataclass(frozen=True)
class _Reply:
    """The answer to an instruction, before it is judged."""

    expressions: tuple[str, ...]
    asked: str  # the first of them
    answer: Segmentation | None  # None: the model was not asked, or refused
    status: str
    rejected: str  # why it refused
    found: bool
    mask: Mask  # (H, W), of what was found, or else what was kept back


def _answer(predict: Predict, view: View, truth: Mask, rules: Rules, number: int) -> Answer:
    record = view.record()
    reply = _replied(predict, view.task.instruction, record, rules)
    meant = target(view.task)
    assert meant is not None
    on = BACKGROUND
    if reply.found and reply.mask.any():
        on = _object_under(reply.mask, view, truth, meant.names)
    known = expectations().get(view.task.instruction)
    return Answer(
        view=view,
        expressions=reply.expressions,
        expected=known,
        targets=meant.names,
        status=reply.status,
        unknown=tuple(reply.answer.unknown_words[0]) if reply.answer is not None else (),
        on=on,
        right=reply.found and bool(truth.any()) and on in meant.names,
        image=JudgedImage(
            number=number,
            image=str(record.image),
            height=record.height,
            width=record.width,
            seconds=_seconds(reply.answer),
            sentences=(_judged(view, record, truth, reply, known.kind if known else ""),),
        ),
    )


def _replied(predict: Predict, instruction: str, record: Record, rules: Rules) -> _Reply:
    """Ask for the first expression of an instruction, and decide as the node does."""
    nothing = np.zeros((record.height, record.width), bool)
    command = parse_command(instruction)
    said = tuple(command.expressions)
    if command.kind != "find" or not said:
        return _Reply(said, "", None, command.kind, "", found=False, mask=nothing)
    try:
        answer = predict(record.read_rgb(), list(said[:1]))
    except ValueError as error:
        return _Reply(said, said[0], None, "REFUSED", str(error), found=False, mask=nothing)
    judgement = judge(said[0], answer, 0, rules=rules)
    proposed = answer.masks[0] if answer.proposed is None else answer.proposed[0]
    mask = judgement.mask(nothing.shape) if judgement.found else proposed
    status = judgement.status.value
    return _Reply(said, said[0], answer, status, "", found=judgement.found, mask=mask)


def _object_under(mask: Mask, view: View, truth: Mask, targets: Sequence[str]) -> str:
    """Return what most of a mask lies on: the target, another object, or the background."""
    beside = mask & ~truth
    others = {name: np.count_nonzero(beside & own) for name, own in view.objects().items()}
    shares = {BACKGROUND: np.count_nonzero(beside) - sum(others.values())}
    for name, count in others.items():
        # The rest of a cabinet, of which a drawer is meant, is not that drawer.
        shares[f"{name} (rest)" if name in targets else name] = count
    shares[targets[0]] = np.count_nonzero(mask & truth)
    return max(shares, key=lambda name: shares[name])


def _judged(view: View, record: Record, truth: Mask, reply: _Reply, kind: str) -> Judged:
    native, square = judge_mask(reply.mask, truth, None)
    answer = reply.answer
    return Judged(
        key=f"{view.task.suite}/{view.task.name}/{view.state}/{view.camera}",
        text=view.task.instruction,
        kind=kind,
        has_target=bool(truth.any()),
        found=reply.found,
        score=0.0 if answer is None else float(answer.scores[0]),
        predicted_iou=0.0 if answer is None else float(answer.predicted_iou[0]),
        native=native,
        square=square,
        runs=encode(reply.mask),
        truth=encode(truth),
        rejected=reply.rejected,
        asked=reply.asked,
        **asdict(spot(reply.mask, truth, lifting=lifting_of(record))),
    )


def _seconds(answer: Segmentation | None) -> dict[str, float]:
    return {stage: getattr(answer.times, stage) if answer else 0.0 for stage in STAGES}
