"""Print the node's interface and parameters as Markdown, or update the tables of a page."""

import argparse
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from evf_sam_ros.ros.interface import (
    ACTIONS,
    ALL_OUTPUTS,
    DIAGNOSTICS,
    INPUTS,
    SERVICES,
)
from evf_sam_ros.ros.parameters import NodeParameters


def topics_table() -> str:
    """Return a row for every topic, service and action."""
    kinds = {
        "in": INPUTS,
        "out": (*ALL_OUTPUTS, DIAGNOSTICS),
        "service": SERVICES,
        "action": ACTIONS,
    }
    rows = [
        (f"`{each.name}`", kind, _type_name(each.type), each.help)
        for kind, endpoints in kinds.items()
        for each in endpoints
    ]
    return _table(("name", "", "type", "content"), rows)


def parameters_table() -> str:
    """Return a row for every parameter."""
    rows = [
        (
            f"`{each.name}`",
            f"`{_yaml(each.default)}`",
            _meaning(each),
            each.metadata["effect"].value,
        )
        for each in fields(NodeParameters)
    ]
    return _table(("name", "default", "meaning", "takes effect"), rows)


TABLES = {"topics": topics_table, "parameters": parameters_table}


def between_markers(text: str, name: str) -> str:
    """Return what stands between `<!-- name:begin -->` and `<!-- name:end -->`."""
    found = re.search(_markers(name), text, re.DOTALL)
    if found is None:
        raise ValueError(f"no <!-- {name}:begin --> ... <!-- {name}:end --> in the text")
    return found[2].strip()


def update(text: str) -> str:
    """Return the text with each table between its markers renewed."""
    for name, table in TABLES.items():
        between_markers(text, name)
        # By a function: in a replacement string a backslash would be an escape.
        text = re.sub(_markers(name), rf"\g<1>\n{table()}\n\g<3>", text, flags=re.DOTALL)
    return text


def _markers(name: str) -> str:
    return rf"(<!-- {name}:begin -->)(.*?)(<!-- {name}:end -->)"


def _meaning(each: Any) -> str:
    choices = each.metadata["choices"]
    named = all(choice in each.metadata["help"] for choice in choices)
    return each.metadata["help"] + ("" if named else f" (one of {', '.join(choices)})")


def _yaml(value: Any) -> str:
    if isinstance(value, tuple):
        return str(list(value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _type_name(interface: Any) -> str:
    if isinstance(interface, str):
        return interface
    package = interface.__module__.split(".")[0]
    return f"{package}/{interface.__name__}"


def _table(titles: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--update", type=Path, metavar="README", help="file whose tables are updated"
    )
    arguments = parser.parse_args(argv)
    if arguments.update:
        path = arguments.update
        path.write_text(update(path.read_text()))
    else:
        print("\n\n".join(table() for table in TABLES.values()))


if __name__ == "__main__":
    main()
