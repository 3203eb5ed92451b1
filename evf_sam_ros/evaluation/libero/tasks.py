"""LIBERO's task files (BDDL): what they say, what is in the scene, and what is handled first."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

STANDARD_SUITES = ("libero_spatial", "libero_object", "libero_goal", "libero_10", "libero_90")
# LIBERO-PRO's suites whose file names are no longer what is said: the file itself says it.
SAID_IN_FILE = ("_lan", "_task")
SCENE_PREFIX = re.compile(r"^[A-Z_]*SCENE\d+_")
# Nouns that instructions use for a category whose own name does not end in them.
NOUNS = {
    "chefmate_8_frypan": ("frying pan", "pan"),
    "cookies": ("cookie box",),
    "porcelain_mug": ("white mug", "mug"),
    "red_coffee_mug": ("red mug", "mug", "cup"),
    "white_yellow_mug": ("yellow and white mug", "mug"),
    "wooden_cabinet": ("cabinet", "drawer"),
    "white_cabinet": ("cabinet", "drawer"),
    "yellow_cabinet": ("cabinet", "drawer"),
    "white_bottle": ("wine bottle", "bottle"),
}
DRAWER = re.compile(r"\b(top|middle|bottom) (?:drawer|layer)|\bcabinet's (top|middle|bottom)")
# A verb that handles the drawer itself, not something in it.
ON_DRAWER = re.compile(
    r"^(?:please )?(?:slide |pull |push )?(?:open|close|shut)\b|^(?:pull|push)\b"
)
NEXT = re.compile(r"\band (?:put|place)\b")  # what follows is done with what was named before
Tree = list[Any]


@dataclass(frozen=True)
class Target:
    """Object that an instruction handles first."""

    names: tuple[str, ...]  # of objects or fixtures; several where both are meant
    part: str = ""  # which drawer of a cabinet: top, middle or bottom


@dataclass(frozen=True)
class Task:
    """One task of a suite."""

    suite: str
    file: Path
    instruction: str
    problem: str  # the kind of scene
    fixtures: tuple[tuple[str, str], ...]  # name, category
    objects: tuple[tuple[str, str], ...]
    used: tuple[str, ...]  # names in the goal, then those of interest, in their order
    placed: str  # where the fixtures stand, as the file says

    @property
    def name(self) -> str:
        return self.file.stem

    @property
    def scene(self) -> tuple[Any, ...]:
        """Key that all tasks of one assembled world share."""
        return self.problem, self.fixtures, self.objects, self.placed


def read_suite(folder: Path, suite: str) -> list[Task]:
    """Read the tasks of a suite in the order of their files.

    Args:
        folder: LIBERO's `bddl_files`.
        suite: the name of a folder in it.

    Raises:
        ValueError: there is no such suite, or a file of it is not a task.
    """
    files = sorted((folder / suite).glob("*.bddl"))
    if not files:
        there = ", ".join(sorted(path.name for path in folder.glob("*") if path.is_dir()))
        raise ValueError(f"LIBERO has no suite {suite!r}, need one of {there or 'none'}")
    return [read_task(suite, path) for path in files]


def read_task(suite: str, path: Path) -> Task:
    """Read one task file; ValueError names it if it is none."""
    tree = _parsed(path)
    parts = {row[0]: row[1:] for row in tree if isinstance(row, list) and row}
    missing = [key for key in ("problem", ":language", ":objects", ":goal") if key not in parts]
    if missing:
        raise ValueError(f"{str(path)!r} is not a task file: it has no {', '.join(missing)}")
    fixtures, objects = (_typed(parts.get(key, [])) for key in (":fixtures", ":objects"))
    known = [name for name, _ in (*objects, *fixtures)]
    words = [*_atoms(parts[":goal"]), *_atoms(parts.get(":obj_of_interest", []))]
    return Task(
        suite=suite,
        file=path,
        instruction=_instruction(suite, path, parts[":language"]),
        problem=str(parts["problem"][0]),
        fixtures=fixtures,
        objects=objects,
        used=tuple(dict.fromkeys(name for word in words for name in _named(word, known))),
        placed=_placed(parts, [name for name, _ in fixtures]),
    )


def target(task: Task) -> Target | None:
    """Return what the instruction handles first; None where no name in it is that of the goal.

    Among what the goal and the objects of interest name, that is whose noun the instruction has
    first, the longest noun where several begin at one place.
    """
    text = task.instruction.lower()
    categories = dict((*task.objects, *task.fixtures))
    part = DRAWER.search(text)
    if part and ON_DRAWER.search(text):
        cabinets = [name for name, kind in task.fixtures if kind.endswith("cabinet")]
        return Target((cabinets[0],), part[1] or part[2]) if cabinets else None
    # (place in the text, -length of the noun, order in the goal, name)
    mentions = sorted(
        (at, -len(noun), order, name)
        for order, name in enumerate(task.used)
        for noun in nouns(categories[name])
        if (at := _position(text, noun)) >= 0
    )
    if not mentions:
        return None
    first = mentions[0][3]
    if re.search(r"\bboth\b[^,]*s\b(?! .*\band the\b)", text):
        alike = [name for name in task.used if categories[name] == categories[first]]
        return Target(tuple(alike))
    return Target((first,))


def nouns(category: str) -> tuple[str, ...]:
    """Return what instructions call a category: its last two words, and its last."""
    if category in NOUNS:
        return NOUNS[category]
    words = category.split("_")
    pairs = (" ".join(words[-2:]),) if len(words) > 1 else ()
    return (*pairs, words[-1])


def _position(text: str, noun: str) -> int:
    """Return where a noun begins that is handled, as words of their own; -1: nowhere.

    "white mug" is not in "yellow and white mug", nor "caddy" in what follows "and place it in".
    """
    before = r"(?<!yellow and )" if noun == "white mug" else ""
    found = re.search(rf"{before}\b{re.escape(noun)}(?:s|es)?\b", text)
    return -1 if found is None or NEXT.search(text[: found.start()]) else found.start()


def _instruction(suite: str, path: Path, language: Sequence[Any]) -> str:
    """Return what the benchmark tells a policy: the file's name, or what the file says."""
    if suite.endswith(SAID_IN_FILE):
        return " ".join(map(str, language)).lower()
    return SCENE_PREFIX.sub("", path.stem).replace("_", " ")


def _placed(parts: dict[str, Tree], fixtures: Sequence[str]) -> str:
    rows = [row for row in parts.get(":init", []) if len(row) == 3 and row[1] in fixtures]
    regions = {str(row[0]): row for row in parts.get(":regions", []) if row}
    places = [regions[name] for row in rows for name in regions if str(row[2]).endswith(name)]
    return repr((rows, places))


def _named(word: str, names: Sequence[str]) -> Iterator[str]:
    """Yield the object that a word names, itself or by a region of it, the longest name first."""
    own = [name for name in names if word == name or word.startswith(f"{name}_")]
    if own:
        yield max(own, key=len)


def _atoms(tree: Any) -> Iterator[str]:
    if not isinstance(tree, list):
        yield str(tree)
        return
    for each in tree:
        yield from _atoms(each)


def _typed(items: Tree) -> tuple[tuple[str, str], ...]:
    """Return (name, category) of "a b - kind c - other"."""
    pairs: list[tuple[str, str]] = []
    names: list[str] = []
    words = iter(map(str, items))
    for word in words:
        if word == "-":
            kind = next(words, "")
            pairs += [(name, kind) for name in names]
            names = []
        else:
            names.append(word)
    return tuple(pairs)


def _parsed(path: Path) -> Tree:
    """Return the first expression of a file in Lisp's notation as lists of words."""
    text = re.sub(r";.*", "", path.read_text(encoding="utf-8"))
    stack: list[Tree] = [[]]
    for token in re.findall(r"[()]|[^\s()]+", text):
        if token == "(":
            stack.append([])
        elif token != ")":
            stack[-1].append(token)
        elif len(stack) > 1:
            done = stack.pop()
            stack[-1].append(done)
        else:
            raise ValueError(f"{str(path)!r} closes a bracket that it has not opened")
    if len(stack) > 1 or not stack[0] or not isinstance(stack[0][0], list):
        raise ValueError(f"{str(path)!r} is not a task file: its brackets do not match")
    return stack[0][0]
