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
    "test_ablations.py",
    "test_any_labels.py",
    "test_bag.py",
    "test_behaviour.py",
    "test_bench.py",
    "test_bridge.py",
    "test_bridge_parameters.py",
    "test_bridge_refer.py",
    "test_bridge_training.py",
    "test_broken_folders.py",
    "test_checkpoint.py",
    "test_comparison.py",
    "test_compiled.py",
    "test_deris.py",
    "test_deris_engine.py",
    "test_deris_parameters.py",
    "test_deris_parity.py",
    "test_deris_predictor.py",
    "test_deris_released.py",
    "test_diagnostics.py",
    "test_encoders.py",
    "test_exported.py",
    "test_engine.py",
    "test_fine_tune.py",
    "test_geometry_on_scenes.py",
    "test_graphs.py",
    "test_kernels.py",
    "test_lean.py",
    "test_model_benchmark.py",
    "test_model_catalogue.py",
    "test_occlusion_clip.py",
    "test_paper_parameters.py",
    "test_papers.py",
    "test_parity.py",
    "test_precision_masks.py",
    "test_pretrained.py",
    "test_recipes.py",
    "test_sam2.py",
    "test_sam2_video.py",
    "test_startup_benchmark.py",
    "test_tabletop.py",
    "test_tabletop_batches.py",
    "test_two_threads.py",
    "test_web_server.py",
)


@cache
def is_integration(module: Path) -> bool:
    """Tell whether the tests of a module are left out of the unit tier."""
    return module.name in LONG or bool(PROCESSES.search(module.read_text()))
