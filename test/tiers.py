"""The tests of `make test-unit`: all but those that start processes or nodes, or take seconds.

A module that imports one of `PROCESSES` belongs to the tier `integration` as a whole, as do the
modules of `LONG`, which run whole models.
"""

import re
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
PROCESSES = re.compile(
    r"^\s*(?:import|from) (?:subprocess|multiprocessing|rclpy|launch|processes|robot|browser)\b",
    re.MULTILINE,
)
LONG = (
    "cli/test_bench.py",
    "data/test_any_labels.py",
    "engines/gpu/test_compiled.py",
    "engines/gpu/test_graphs.py",
    "engines/test_engine.py",
    "engines/test_kernels.py",
    "engines/test_lean.py",
    "engines/test_model_benchmark.py",
    "engines/test_precision_masks.py",
    "evaluation/test_bridge_parameters.py",
    "evaluation/test_comparison.py",
    "evaluation/test_paper_parameters.py",
    "evaluation/test_papers.py",
    "evaluation/test_tabletop.py",
    "models/test_behaviour.py",
    "models/test_bridge.py",
    "models/test_checkpoint.py",
    "models/test_encoders.py",
    "models/test_parity.py",
    "models/test_sam2.py",
    "models/test_sam2_video.py",
    "perception/test_broken_folders.py",
    "perception/test_geometry_on_scenes.py",
    "perception/test_model_catalogue.py",
    "recordings/test_bag.py",
    "ros/node/test_diagnostics.py",
    "ros/node/test_two_threads.py",
    "ros/test_startup_benchmark.py",
    "ros/test_web_server.py",
    "sim/test_occlusion_clip.py",
    "training/test_ablations.py",
    "training/test_bridge_refer.py",
    "training/test_bridge_training.py",
    "training/test_fine_tune.py",
    "training/test_pretrained.py",
    "training/test_recipes.py",
    "training/test_tabletop_batches.py",
)


@cache
def is_integration(module: Path) -> bool:
    """Tell whether the tests of a module are left out of the unit tier."""
    try:
        name = str(module.relative_to(HERE))
    except ValueError:  # a test of pytest itself, elsewhere
        return False
    return name in LONG or bool(PROCESSES.search(module.read_text()))
