"""Limits of the decision, as the options of a command set them. Imports nothing slow itself."""

import argparse
from dataclasses import replace
from typing import Any

from evf_sam_ros.cli.option_types import at_least
from evf_sam_ros.perception.defaults import LEAST_AREA_PX


def add_rules(parser: argparse.ArgumentParser) -> None:
    """Add the options that set what counts as found, with the node's defaults."""
    parser.add_argument(
        "--score-threshold",
        type=float,
        metavar="P",
        help="p(found), 0 to 1, from which an object counts as found (default: the model's own)",
    )
    parser.add_argument(
        "--min-area",
        type=at_least(1),
        default=LEAST_AREA_PX,
        metavar="PX",
        help="least area of a mask and of its separate parts, pixels (%(default)s), as the "
        "node's parameter min_mask_area_px",
    )
    parser.add_argument(
        "--no-rivals",
        action="store_true",
        help="no search for other objects that fit as well: faster, but fewer answers are "
        "AMBIGUOUS",
    )


def rules_from(arguments: argparse.Namespace, predict: Any) -> Any:
    """Return the `Rules` that the options ask for, with the threshold of the loaded model."""
    return replace(given_rules(arguments), threshold=predict.score_threshold)


def given_rules(arguments: argparse.Namespace) -> Any:
    """Return the `Rules` that the options ask for, without a threshold."""
    from evf_sam_ros.perception.judgement import Rules

    return Rules(is_estimate=arguments.score_threshold is None, least_area_px=arguments.min_area)
