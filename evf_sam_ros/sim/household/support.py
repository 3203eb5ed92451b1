"""Relations between a thing and one that it stands on or in."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evf_sam_ros.sim.scene import SceneObject


def is_on(target: SceneObject, anchor: SceneObject) -> bool | None:
    """Tell whether the target stands on the anchor."""
    return _carried(target, "on") == _name(anchor) != ""


def is_in(target: SceneObject, anchor: SceneObject) -> bool | None:
    """Tell whether the target stands in the anchor."""
    return _carried(target, "inside") == _name(anchor) != ""


def is_under(target: SceneObject, anchor: SceneObject) -> bool | None:
    """Tell whether the target carries the anchor on its top."""
    return is_on(anchor, target)


def _carried(thing: SceneObject, how: str) -> str:
    return str(getattr(thing, how, ""))


def _name(thing: SceneObject) -> str:
    return str(getattr(thing, "name", ""))


SUPPORTS = {
    "on": (("on", "on top of"), is_on),
    "in": (("in", "inside"), is_in),
    "under": (("under", "underneath"), is_under),
}
