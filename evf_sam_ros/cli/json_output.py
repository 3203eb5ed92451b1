"""`--json` of the commands that measure or follow: a file, or standard output."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from pathlib import Path
from typing import Any

from evf_sam_ros.whole_files import write_text

STDOUT = Path("-")


def add_json(parser: argparse.ArgumentParser, content: str) -> None:
    """Add the option; `content` names what the JSON holds."""
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help=f"JSON file for {content}; -: standard output, and text is printed on stderr",
    )


@contextmanager
def json_to(path: Path | None) -> Iterator[Callable[[Any], None]]:
    """Give a function that writes a document as JSON; text is printed where no JSON goes.

    Args:
        path: of the file; STDOUT for standard output, None for nowhere.
    """
    out = sys.stdout

    def write(document: Any) -> None:
        text = json.dumps(document, indent=2) + "\n"
        if path == STDOUT:
            out.write(text)
        elif path is not None:
            write_text(path, text)

    with redirect_stdout(sys.stderr) if path == STDOUT else nullcontext():
        yield write
