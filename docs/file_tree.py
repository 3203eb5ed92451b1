"""Print docs/reference/files.md: every source file with the first line of its docstring.

`python docs/file_tree.py --update docs/reference/files.md` puts it between its markers.
"""

import argparse
import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parent.parent
SHOWN = ("evf_sam_ros", "benchmarks", "examples", "launch")
MARKERS = r"(<!-- tree:begin -->\n```\n)(.*?)(```\n<!-- tree:end -->)"
OTHERS = """\
config/                    parameter file, rviz view, Fast DDS profiles, SROS 2 policy
docs/                      guides, reference, explanation, measurements: `make docs`
msg/ srv/ action/          messages, services and actions, every field with its unit
test/                      tests, in the same folders; names are sentences about behaviour
Makefile .ci/run           make demo, make test, make docs; the script that CI runs
package.xml CMakeLists.txt the ROS build; setup.py runs it for pip
pyproject.toml             metadata, libraries and extras; constraints.txt: the tested versions
requirements-ros-*.txt     ROS 2 from PyPI, one file per release
"""


def tree() -> str:
    """Return the tree: a line per Python file, folders before their files."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *SHOWN],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    lines: list[str] = []
    folder = Path()
    for path in sorted(map(Path, listed), key=lambda path: (path.parent, path.name)):
        if path.suffix != ".py":
            continue
        if path.parent != folder:
            folder = path.parent
            lines.append(_line(f"{folder}/", _phrase(folder / "__init__.py")))
        if path.name != "__init__.py":
            lines.append(_line(f"  {path.name}", _phrase(path)))
    return "\n".join(lines) + "\n" + OTHERS


def update(text: str) -> str:
    """Return the text with the tree between its markers renewed."""
    renewed, count = re.subn(
        MARKERS, lambda found: found[1] + tree() + found[3], text, flags=re.DOTALL
    )
    if count != 1:
        raise ValueError("need <!-- tree:begin --> and <!-- tree:end --> once, around a ``` block")
    return renewed


def _phrase(path: Path) -> str:
    if not (ROOT / path).exists():
        return ""
    docstring = ast.get_docstring(ast.parse((ROOT / path).read_text())) or ""
    return docstring.split("\n")[0].rstrip(".")


def _line(name: str, phrase: str) -> str:
    return f"{name:26} {phrase}".rstrip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", type=Path, metavar="FILE", help="renew the tree in a file")
    file = parser.parse_args().update
    if file is None:
        print(tree(), end="")
    else:
        file.write_text(update(file.read_text()))


if __name__ == "__main__":
    main()
