"""Where a model runs, from a user's words."""

import pytest
import torch

from evf_sam_ros.perception.device import device_of


@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_convolutions_in_float32_are_not_rounded_to_tf32(name):
    torch.backends.cudnn.allow_tf32 = True  # torch's default
    device_of(name)
    assert not torch.backends.cudnn.allow_tf32
    assert torch.get_float32_matmul_precision() == "highest"


@pytest.mark.parametrize("name", ["gpu", "mps", "cuda:99"])
def test_no_device_of_this_machine_is_refused(name):
    with pytest.raises(ValueError, match=f"device is '{name}'"):
        device_of(name)
