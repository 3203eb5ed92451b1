"""Print CHANGELOG.rst, as bloom and catkin read it, made from CHANGELOG.md.

`python docs/changelog_rst.py --update CHANGELOG.rst` writes it. Unreleased changes are one line
there: they get their section with the release.
"""

import argparse
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
NAME = "evf_sam_ros"
FORTHCOMING = "* The unreleased changes are in CHANGELOG.md."
SECTION = re.compile(r"^## \[(?P<version>[^]]+)\](?: - (?P<date>[\d-]+))?\s*$", re.MULTILINE)


def converted(markdown: str) -> str:
    """Return the changelog in reStructuredText, newest version first.

    Raises:
        ValueError: a released version has no date.
    """
    title = f"Changelog for package {NAME}"
    parts = ["\n".join(["^" * len(title), title, "^" * len(title)])]
    found = list(SECTION.finditer(markdown))
    ends = [*(each.start() for each in found[1:]), len(markdown)]
    for each, end in zip(found, ends, strict=True):
        parts.append(_section(each["version"], each["date"], markdown[each.end() : end]))
    return "\n\n".join(parts) + "\n"


def _section(version: str, date: str | None, text: str) -> str:
    if version == "Unreleased":
        return f"Forthcoming\n-----------\n{FORTHCOMING}"
    if date is None:
        raise ValueError(f"version {version} has no date, need '## [{version}] - YYYY-MM-DD'")
    heading = f"{version} ({date})"
    return "\n".join([heading, "-" * len(heading), *_items(text)])


def _items(text: str) -> list[str]:
    """Return a line per item, with the kind of change in front."""
    items: list[str] = []
    kind = ""
    for line in text.splitlines():
        if line.startswith("### "):
            kind = line.removeprefix("### ").strip()
        elif line.startswith("- "):
            items.append(f"* {kind}: {_plain(line[2:])}")
        elif line.startswith("  ") and items:
            items[-1] += " " + _plain(line.strip())
    return items


def _plain(text: str) -> str:
    """Turn links into their words and code into literals."""
    text = re.sub(r"\[([^]]+)\]\([^)]+\)", r"\1", text)
    return re.sub(r"`([^`]+)`", r"``\1``", text)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", type=Path, metavar="FILE", help="write it to a file")
    file = parser.parse_args().update
    text = converted((ROOT / "CHANGELOG.md").read_text())
    if file is None:
        print(text, end="")
    else:
        file.write_text(text)


if __name__ == "__main__":
    main()
