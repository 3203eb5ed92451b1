"""LIBERO's table: per suite and picture, and per kind of sentence."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from evf_sam_ros.evaluation.figures import deployed
from evf_sam_ros.evaluation.libero.asking import Answer
from evf_sam_ros.evaluation.robot_metrics import centroid_figures, point_accuracy

CAMERA_NAMES = {"agentview": "table", "robot0_eye_in_hand": "wrist"}
COLUMNS = (
    "in view", "read", "right", "wrong", "refused", "unknown word", "ciou", "point_acc",
    "centroid mm", "out of view", "refused there",
)  # fmt: skip
LEGEND = (
    "in view: instructions whose target shows. read: first expression is what people read. "
    "right, wrong: FOUND, with most of the mask on the target, or on anything else. "
    "refused: every other answer; unknown word: those with a word that the model does not know. "
    "ciou, point_acc and the centroid's median error are of the targets in view. "
    "out of view: the target is not in the picture; refused there: and the model says so."
)
MISTAKES_SHOWN = 20


def summarize(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return all figures: for each picture by suite and by kind of sentence, and all statuses."""
    pictures = {_picture(answer): None for answer in answers}
    return {
        "answers": len(answers),
        "read_rightly": _read(answers),
        "by_suite": {
            picture: _grouped(answers, picture, lambda answer: answer.view.task.suite)
            for picture in pictures
        },
        "by_kind": {
            picture: _grouped(answers, picture, lambda answer: answer.judged.kind or "unknown")
            for picture in pictures
        },
    }


def figures_of(answers: Sequence[Answer]) -> dict[str, Any]:
    """Return the figures of some answers; None where there is nothing to count."""
    seen = [answer for answer in answers if answer.judged.has_target]
    unseen = [answer for answer in answers if not answer.judged.has_target]
    judged = [answer.judged for answer in seen]
    found = [answer for answer in seen if answer.judged.found]
    place = centroid_figures(judged) or {}
    return {
        "in view": len(seen),
        "read": _read(answers),
        "right": _share(seen, [answer for answer in found if answer.right]),
        "wrong": _share(seen, [answer for answer in found if not answer.right]),
        "refused": _share(seen, [answer for answer in seen if not answer.judged.found]),
        "unknown word": _share(seen, [answer for answer in seen if answer.unknown]),
        "ciou": deployed(judged).ciou,
        "point_acc": point_accuracy(judged),
        "centroid mm": place.get("median_mm"),
        "centroid": place or None,
        "out of view": len(unseen),
        "refused there": _share(unseen, [each for each in unseen if not each.judged.found]),
        "statuses": dict(Counter(answer.status for answer in answers)),
    }


def as_text(figures: Mapping[str, Any], answers: Sequence[Answer]) -> str:
    """Return the tables for the terminal, and instructions that were read or answered wrongly."""
    lines = [
        f"{figures['model']} on LIBERO: {figures['answers']:,} answers, {figures['states']} "
        f"initial state{'s' if figures['states'] > 1 else ''} of each task"
    ]
    for title, name in (("suite", "by_suite"), ("kind of sentence", "by_kind")):
        for picture, table in figures[name].items():
            head = f"{f'{title}, {picture}':<30}"
            lines += ["", head + "".join(f"{column:>14}" for column in COLUMNS)]
            lines += [
                f"{group:<30}" + "".join(f"{cell:>14}" for cell in cells(row))
                for group, row in table.items()
            ]
            lines.append(_statuses(table))
    lines += ["", LEGEND, *_misread(answers), *_mistaken(answers)]
    return "\n".join(lines)


def as_markdown(figures: Mapping[str, Any]) -> str:
    """Return the tables as Markdown."""
    lines = []
    for title, name in (("Suite", "by_suite"), ("Kind of sentence", "by_kind")):
        for picture, table in figures[name].items():
            lines += ["", f"{title}, {picture}:", ""]
            lines += [f"| | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 1) + "|"]
            lines += [f"| {group} | {' | '.join(cells(row))} |" for group, row in table.items()]
            lines += ["", f"{_statuses(table)}."]
    return "\n".join([*lines, "", LEGEND, ""])


def page(figures: Mapping[str, Any]) -> str:
    """Return a Markdown page with the tables."""
    drawn = ", ".join(f"{name} {number}" for name, number in figures["versions"].items())
    return f"# {figures['model']} on LIBERO\n\nDrawn with {drawn}.\n{as_markdown(figures)}"


def cells(row: Mapping[str, Any]) -> list[str]:
    """Return a row's figures as text, in the order of COLUMNS."""
    return [_cell(row[column], column) for column in COLUMNS]


def rows_of(answers: Iterable[Answer]) -> list[dict[str, Any]]:
    """Return one entry for each answer, as JSON has it."""
    return [
        {
            "suite": answer.view.task.suite,
            "task": answer.view.task.name,
            "state": answer.view.state,
            "picture": _picture(answer),
            "instruction": answer.view.task.instruction,
            "expressions": list(answer.expressions),
            "expected": answer.expected and answer.expected.expression,
            "targets": list(answer.targets),
            "status": answer.status,
            "unknown": list(answer.unknown),
            "on": answer.on,
            "right": answer.right,
            "in_view": answer.judged.has_target,
            "score": answer.judged.score,
            "pixels": answer.judged.native.target,
            "intersection": answer.judged.native.intersection,
            "union": answer.judged.native.union,
            "centroid_mm": answer.judged.centroid_mm,
        }
        for answer in answers
    ]


def _statuses(table: Mapping[str, Any]) -> str:
    """Return how often each status was the answer; the last row of a table has all of them."""
    counts = Counter(list(table.values())[-1]["statuses"])
    return "statuses: " + ", ".join(f"{name} {count}" for name, count in counts.most_common())


def _picture(answer: Answer) -> str:
    view = answer.view
    return f"{CAMERA_NAMES.get(view.camera, view.camera)} {view.size}"


def _grouped(
    answers: Sequence[Answer], picture: str, group: Callable[[Answer], str]
) -> dict[str, dict[str, Any]]:
    own = [answer for answer in answers if _picture(answer) == picture]
    names = dict.fromkeys(map(group, own))
    table = {name: figures_of([each for each in own if group(each) == name]) for name in names}
    return {**table, "all": figures_of(own)} if len(table) > 1 else table


def _read(answers: Iterable[Answer]) -> float | None:
    """Return the share of instructions, each counted once, whose first expression is right."""
    known = {answer.view.task.instruction: answer.read_rightly for answer in answers}
    judged = [right for right in known.values() if right is not None]
    return sum(judged) / len(judged) if judged else None


def _share(all_answers: Sequence[Answer], some: Sequence[Answer]) -> float | None:
    return len(some) / len(all_answers) if all_answers else None


def _cell(value: float | None, column: str) -> str:
    if value is None:
        return "-"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.1f}" if column.endswith("mm") else f"{value:.3f}"


def _misread(answers: Iterable[Answer]) -> list[str]:
    wrong = {a.view.task.instruction: a for a in answers if a.read_rightly is False}
    return [
        f"  misread: {said!r} as {'; '.join(answer.expressions)!r}"
        for said, answer in wrong.items()
    ]  # fmt: skip


def _mistaken(answers: Iterable[Answer]) -> list[str]:
    wrong = [each for each in answers if each.judged.found and not each.right]
    shown = [
        f"  wrong: {each.view.task.suite}, {_picture(each)}: {each.judged.asked!r}: "
        f"{each.on or 'background'}, p(found) {each.judged.score:.2f}"
        for each in wrong[:MISTAKES_SHOWN]
    ]
    more = len(wrong) - len(shown)
    return [*shown, f"  and {more} more like these"] if more else shown
