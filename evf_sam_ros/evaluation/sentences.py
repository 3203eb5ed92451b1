"""Benchmark of sentences by people about simulated scenes: checks the answer to each.

A file of such sentences has three columns: the seed of the scene, what is said, and what is
expected: the numbers of objects ("0,3"), `NF` where nothing fits, `AMB` where several fit a
sentence that means one. Lines that begin with # are comments.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from evf_sam_ros.evaluation.tabletop import Predict
from evf_sam_ros.language.sentence import parse_command
from evf_sam_ros.perception.judgement import DEFAULT_RULES, Judgement, Rules, Status, judge
from evf_sam_ros.sim.scene import Scene, render_scene

NOTHING, AMBIGUOUS = "NF", "AMB"
KINDS = ("one", "several", "ambiguous", "nothing")
SIZE = (640, 480)
HIT = 0.5  # intersection over union from which an object, or all of several, is the one meant


@dataclass(frozen=True)
class SaidSentence:
    """One line of such a file."""

    seed: int
    text: str
    expected: str

    @property
    def targets(self) -> tuple[int, ...]:
        """Return the objects that are meant; none for NF and AMB."""
        if self.expected in (NOTHING, AMBIGUOUS):
            return ()
        return tuple(int(number) for number in self.expected.split(","))

    @property
    def kind(self) -> str:
        if self.expected == NOTHING:
            return "nothing"
        if self.expected == AMBIGUOUS:
            return "ambiguous"
        return "one" if len(self.targets) == 1 else "several"


@dataclass(frozen=True)
class Answered:
    """One sentence, its interpretation, the answer, and whether that is right."""

    said: SaidSentence
    expressions: tuple[str, ...]
    status: str
    right: bool
    unknown: tuple[str, ...]


def read_sentences(path: Path) -> list[SaidSentence]:
    """Read a file of sentences.

    Raises:
        ValueError: a line has other columns, or there is none; the message names the line.
    """
    said = []
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        columns = line.split("\t")
        try:
            seed, text, expected = columns
            sentence = SaidSentence(int(seed), text, expected.strip())
            _ = sentence.targets  # refuses what is no number
            said.append(sentence)
        except ValueError as error:
            raise ValueError(
                f"line {number} of {str(path)!r} is {line!r}, need a seed, a sentence and the "
                "numbers of objects, NF or AMB, with tabs between them"
            ) from error
    if not said:
        raise ValueError(f"{str(path)!r} holds no sentence")
    return said


def measure(
    predict: Predict, sentences: Iterable[SaidSentence], rules: Rules = DEFAULT_RULES
) -> list[Answered]:
    """Ask each sentence about its scene, as the node is asked."""
    scenes: dict[int, Scene] = {}
    answers = []
    for said in sentences:
        if said.seed not in scenes:
            scenes[said.seed] = render_scene(said.seed, *SIZE)
        answers.append(_answer(predict, scenes[said.seed], said, rules))
    return answers


def summarize(answers: Sequence[Answered]) -> dict[str, Any]:
    """Return how many of each kind are right."""
    figures: dict[str, Any] = {"sentences": len(answers), "right": sum(a.right for a in answers)}
    for kind in KINDS:
        own = [answer for answer in answers if answer.said.kind == kind]
        figures[kind] = {"sentences": len(own), "right": sum(answer.right for answer in own)}
    return figures


def as_text(figures: dict[str, Any], answers: Sequence[Answered]) -> str:
    """Return a table of the kinds, and the sentences that were answered wrongly."""
    lines = [f"{kind:10} {_share(figures[kind])}" for kind in KINDS]
    lines.append(f"{'all':10} {_share(figures)}")
    lines += list(_mistakes(answers))
    return "\n".join(lines)


def _share(figures: dict[str, Any]) -> str:
    right, count = figures["right"], figures["sentences"]
    return f"{right} of {count}" + (f" ({right / count:.0%})" if count else "")


def _mistakes(answers: Iterable[Answered]) -> Iterator[str]:
    for answer in answers:
        if answer.right:
            continue
        unknown = f", unknown {', '.join(answer.unknown)}" if answer.unknown else ""
        yield (
            f"  wrong: {answer.said.seed} {answer.said.text!r}, expected {answer.said.expected}: "
            f"{answer.status} for {'; '.join(answer.expressions) or 'nothing'}{unknown}"
        )


def _answer(predict: Predict, scene: Scene, said: SaidSentence, rules: Rules) -> Answered:
    command = parse_command(said.text)
    if command.kind != "find":
        right = said.kind == "nothing"
        return Answered(said, (), command.kind, right, ())
    answer = predict(scene.rgb, command.expressions)
    told = [
        judge(expression, answer, index, rules=rules)
        for index, expression in enumerate(command.expressions)
    ]
    return Answered(
        said=said,
        expressions=command.expressions,
        status=", ".join(each.status.value for each in told),
        right=_is_right(scene, said, told),
        unknown=tuple(word for words in answer.unknown_words for word in words),
    )


def _is_right(scene: Scene, said: SaidSentence, told: Sequence[Judgement]) -> bool:
    if said.kind == "ambiguous":
        return any(each.status is Status.AMBIGUOUS for each in told)
    if said.kind == "nothing":
        return not any(each.status in (Status.FOUND, Status.AMBIGUOUS) for each in told)
    if not all(each.found for each in told):
        return False
    size = (SIZE[1], SIZE[0])
    mask = np.logical_or.reduce([each.mask(size) for each in told])
    return _overlap(mask, scene.mask(said.targets)) > HIT and _covers(mask, scene, said.targets)


def _covers(mask: NDArray[np.bool_], scene: Scene, targets: Sequence[int]) -> bool:
    """Tell whether the objects that are mostly in a mask are those that are meant."""
    inside = {
        i
        for i in range(len(scene.objects))
        if np.count_nonzero(mask & scene.mask([i])) > HIT * np.count_nonzero(scene.mask([i]))
    }
    return inside == set(targets)


def _overlap(mask: NDArray[np.bool_], truth: NDArray[np.bool_]) -> float:
    union = int(np.count_nonzero(mask | truth))
    return int(np.count_nonzero(mask & truth)) / union if union else 1.0
