"""An engine's answers beside the recordings of the reference: prompts, logits, scores, masks."""

from typing import Any

import numpy as np
import torch

from benchmarks.golden import Arrays, Check, GoldenModel, load_arrays
from benchmarks.golden_cases import PAD, compare, padded_tokens, plain, read_image
from evf_sam_ros.perception.preprocess import fusion_input, restore, segmenter_input


def check_engine(golden: GoldenModel, engine: Any) -> list[Check]:
    """Compare every case of a golden folder, at the tolerances of `parity.py`."""
    checks = []
    for case in golden.manifest["cases"]:
        expected = recorded_answers(load_arrays(golden.folder / case["file"]))
        computed = answers(golden, case, engine)
        for name in computed:
            arrays = (expected[name], computed[name])
            checks.append(compare(name, *arrays, golden.is_tiny, case["file"], expected))
    return checks


def answers(golden: GoldenModel, case: dict[str, Any], engine: Any) -> Arrays:
    """Run a case through an engine; return what the golden file has under the same names."""
    image_rgb = read_image(golden.folder, case["image"])
    original = (image_rgb.shape[0], image_rgb.shape[1])
    image, resized = segmenter_input(image_rgb, golden.config.image_input)
    fusion = fusion_input(image_rgb, golden.config.fusion_input)
    tokens_1PL = padded_tokens(case["prompts"])[None]
    with torch.inference_mode():
        prompts_1PC = engine.prompt(fusion[None], tokens_1PL, tokens_1PL == PAD)
        decoded = plain(engine.decode(engine.encode(image[None]), prompts_1PC))
    logits_NHW = restore(decoded.logits[0], golden.config.image_input, resized, original)
    masks_NK = (logits_NHW > 0).flatten(1).numpy()
    return {
        "prompt_embed": plain(prompts_1PC)[0].numpy(),
        "low_res_logits": decoded.logits[0].numpy(),
        "iou_pred": decoded.predicted_iou[0].numpy(),
        "final_mask_packed": np.packbits(masks_NK, axis=1),
    }


def recorded_answers(arrays: Arrays) -> Arrays:
    """Return a case with one mask per prompt: the one that answers, where there are several."""
    rows = np.arange(len(arrays["iou_pred"]))
    chosen = arrays.get("selected_mask", np.zeros(len(rows), int))
    picked = {name: arrays[name][rows, chosen] for name in ("low_res_logits", "iou_pred")}
    return {**arrays, **picked}
