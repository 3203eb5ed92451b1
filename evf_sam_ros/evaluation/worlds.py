"""The simulated worlds that a model can be measured in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from evf_sam_ros.sim.expressions import EVALUATION_MIX
from evf_sam_ros.sim.household.household_scene import render_household
from evf_sam_ros.sim.scene import Scene, render_scene


@dataclass(frozen=True)
class SimulatedWorld:
    """A simulated world: how its scenes are drawn, and the kinds of sentences that are asked."""

    render: Callable[[int, int, int], Scene]  # seed, width, height
    mix: Mapping[str, float]


# Sentences about what stands on or in another thing are asked as often as ordinals and "between".
WORLDS = {
    "tabletop": SimulatedWorld(render_scene, EVALUATION_MIX),
    "household": SimulatedWorld(render_household, {**EVALUATION_MIX, "resting": 0.07}),
}
