"""A sentence on what the running model knows, printed wherever a model is started."""

from evf_sam_ros.models.variants import EvfSamConfig, only_targets_seen, own_threshold
from evf_sam_ros.perception.licences import condition_of
from evf_sam_ros.perception.predictor import Predictor

LOAD_ANOTHER = (
    "for photographs load a published checkpoint: evf-sam download YxZhang/evf-sam2-multitask"
)


def knows(predictor: Predictor) -> str:
    """Return which pictures and words a model knows, what to load for others, and a condition.

    The condition is one of the weights that are published for such a model.
    """
    condition = condition_of(getattr(predictor, "config", None))
    return "; ".join(filter(None, (_known(predictor), condition)))


def _known(predictor: Predictor) -> str:
    parts = []
    # What stands in for a predictor need not say these two.
    if getattr(predictor, "familiarity", None) is not None:
        parts.append("knows pictures like those it was trained on and calls others unsuitable")
    if not getattr(predictor, "reads_unknown", True):
        parts.append("knows only the words it was trained on")
    if not parts:
        return f"{predictor.name} takes any picture and any words"
    return f"{predictor.name} {' and '.join(parts)}; {LOAD_ANOTHER}"


def warning_of(predictor: Predictor) -> str:
    """Return what to be warned of before the answers are believed; empty for nothing."""
    if getattr(predictor, "calibrated", False):
        return ""
    config = getattr(predictor, "config", None)
    if config is not None and own_threshold(config) is not None:
        return _never_said_no(predictor.name, config)
    return (
        f"{predictor.name} has no calibration: whatever has a mask counts as found, whether it is "
        "there or not; evf-sam calibrate --pictures FOLDER makes one without labels"
    )


def _never_said_no(name: str, config: EvfSamConfig) -> str:
    """Return a warning of a model with a decision of its own that saw no sentence without one."""
    if not only_targets_seen(config):
        return ""
    return (
        f"{name} was trained on RefCOCO, where every sentence has a target: it was never taught "
        "to say no, take a checkpoint trained on gRefCOCO"
    )


def notes(predictor: Predictor) -> list[str]:
    """Return all that is to be said of a model before its answers are."""
    return [sentence for sentence in (knows(predictor), warning_of(predictor)) if sentence]
