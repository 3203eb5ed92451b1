"""Number formats by the names that users give them."""

import torch

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
AUTOCAST = PRECISIONS | {"fp8": torch.bfloat16}  # what everything runs in that is not float8


def autocast_dtype(device: torch.device) -> torch.dtype | None:
    """Return what autocast makes of float32 on this device now; None: nothing."""
    kind = device.type
    if not torch.amp.is_autocast_available(kind) or not torch.is_autocast_enabled(kind):
        return None
    return torch.get_autocast_dtype(kind)
