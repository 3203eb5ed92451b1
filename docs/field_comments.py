"""Griffe extension: comments beside and above the fields of a class become their description."""

from typing import Any

from griffe import Attribute, Class, Docstring, Extension


class FieldComments(Extension):
    """Reads `name: type  # comment` in class bodies, for fields without a docstring."""

    def on_class_members(self, *, cls: Class, **_: Any) -> None:
        """Describe every public field of a class by its comment."""
        for member in cls.members.values():
            bare = isinstance(member, Attribute) and not member.has_docstring
            if bare and (text := _comment(cls, member)):
                member.docstring = Docstring(text, parent=member)


def _comment(owner: Class, field: Attribute) -> str:
    """Return the comment on a field's last line, else the comment lines above it."""
    if field.lineno is None or field.endlineno is None:
        return ""
    first, last = (number - (owner.lineno or 1) for number in (field.lineno, field.endlineno))
    lines = owner.source.splitlines()
    beside = lines[last].partition("  # ")[2].strip()
    above: list[str] = []
    while first > 0 and lines[first - 1].strip().startswith("# "):
        first -= 1
        above.insert(0, lines[first].strip().removeprefix("# "))
    return beside or " ".join(above)
