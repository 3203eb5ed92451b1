"""`evf-sam data`: its options, and the check they ask for."""

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

BROKEN = 1  # exit code
EXAMPLES = """\
examples:
  evf-sam data check DATA                      what is there, against the published counts
  evf-sam data check DATA --sheet examples.png --all
  evf-sam data check my_pictures.json          a COCO file with sentences

exit code: 0 nothing is wrong with what is there, 1 something is broken, 2 wrong input
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what `evf-sam data` takes."""
    actions: Any = parser.add_subparsers(required=True, metavar="ACTION")
    check = actions.add_parser(
        "check",
        help="say which data sets are in a folder, whether whole, and where to get the others",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("data", type=Path, help="folder of data sets, or COCO JSON with sentences")
    check.add_argument("--sheet", type=Path, metavar="PICTURE", help="picture of examples")
    check.add_argument(
        "--all",
        action="store_true",
        help="full check that opens every picture instead of some of each data set",
    )
    check.add_argument(
        "--json", action="store_true", help="JSON on standard output, one object per finding"
    )
    check.set_defaults(run=_check)


def _check(arguments: argparse.Namespace) -> int:
    from evf_sam_ros.data import check

    broken = False
    for line in check.check(arguments.data, arguments.sheet, read_all=arguments.all):
        print(json.dumps(asdict(line)) if arguments.json else line.text)
        broken |= line.broken
    return BROKEN if broken else 0
