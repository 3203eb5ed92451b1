"""The whole benchmark on LIBERO: draws what is missing, asks a model, and counts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evf_sam_ros.evaluation.libero import pictures, tables
from evf_sam_ros.evaluation.libero.asking import Answer, measure
from evf_sam_ros.evaluation.libero.tasks import STANDARD_SUITES, Task
from evf_sam_ros.perception.judgement import Rules
from evf_sam_ros.perception.predictor import Predictor
from evf_sam_ros.progress import progress


@dataclass(frozen=True)
class Request:
    """Part of LIBERO that is asked for."""

    environment: Path  # in which LIBERO is installed, or its folder where all is drawn
    drawn: Path  # folder of the drawn pictures
    suites: tuple[str, ...] = STANDARD_SUITES
    states: int = 1  # initial states of each task


@dataclass(frozen=True)
class Outcome:
    """All answers of a model, and the figures."""

    figures: dict[str, Any]
    answers: Sequence[Answer]


def prepared(request: Request) -> list[Task]:
    """Return the tasks, drawn.

    Raises:
        ValueError: LIBERO is not there, has no such suite, or could not be drawn.
    """
    folder = pictures.libero_folder(request.environment)
    wanted = pictures.tasks_of(folder, tuple(dict.fromkeys(request.suites)))
    pictures.draw_missing(request.environment, wanted, request.drawn, request.states)
    return wanted


def run(
    request: Request, predict: Predictor, rules: Callable[[Predictor], Rules] | None = None
) -> Outcome:
    """Ask a model for what each instruction handles first, and count the answers.

    Args:
        request: which part of LIBERO; what of it is not drawn is drawn first.
        predict: the model.
        rules: limits of the decision; None: the node's, with the model's threshold.
    """
    wanted = prepared(request)
    views = list(pictures.views(request.drawn, wanted, request.states))
    limits = rules(predict) if rules else Rules(threshold=predict.score_threshold)
    answers = list(progress(measure(predict, views, limits), "LIBERO", len(views)))
    figures = {
        "data": "libero",
        "suites": list(request.suites),
        "states": request.states,
        "model": predict.name,
        "device": str(predict.device),
        "precision": predict.precision,
        "versions": pictures.versions(request.drawn, wanted),
        **tables.summarize(answers),
    }
    return Outcome(figures, answers)
