"""Hooks of MkDocs: the build fails where the API reference shows a name without a docstring."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from griffe import Class, Function, GriffeLoader, Module, Object
from mkdocs.exceptions import PluginError

ROOT = Path(__file__).parent.parent
DIRECTIVE = re.compile(r"^::: ([\w.]+)$", re.MULTILINE)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Check what a page takes from the code; leave the page as it is."""
    if missing := undocumented(DIRECTIVE.findall(markdown)):
        raise PluginError(f"{page.file.src_path}: no docstring: {', '.join(missing)}")
    return markdown


def undocumented(names: list[str], root: Path = ROOT) -> list[str]:
    """Return the public modules, classes, functions and methods without a docstring."""
    loader = GriffeLoader(search_paths=[root])
    for package in {name.partition(".")[0] for name in names}:
        loader.load(package)
    objects = (loader.modules_collection[name] for name in names)
    return [each.path for given in objects for each in _public(given) if not each.has_docstring]


def _public(given: Object) -> Iterator[Object]:
    yield given
    for name, member in given.members.items():
        if not name.startswith("_") and not member.is_alias and _is_documented_kind(member):
            yield from _public(member)


def _is_documented_kind(member: Object) -> bool:
    """Tell whether a member needs a docstring: all but plain values, which comments explain."""
    return isinstance(member, Module | Class | Function) or "property" in member.labels
