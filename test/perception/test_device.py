"""The device of a model, from a user's words."""

import pytest
import torch

from evf_sam_ros.perception import device
from evf_sam_ros.perception.device import device_of, has_bfloat16, precision_of


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


X86 = "processor : {core}\nflags\t\t: fpu avx2 {flags}\nbugs : bf16\n\n"
ARM = "processor : {core}\nFeatures\t: fp asimd {flags}\n\n"


@pytest.mark.parametrize(
    ("form", "flags", "has"),
    [
        (X86, ("avx512_bf16", "avx512_bf16"), True),
        (X86, ("amx_tile amx_bf16", "amx_bf16"), True),
        (X86, ("avx512f avx512dq", "avx512f"), False),
        (ARM, ("bf16 i8mm", "bf16"), True),
        (ARM, ("asimdhp", "asimdhp"), False),
        (ARM, ("bf16", "asimdhp"), False),  # big cores have it, small ones do not
    ],
)
def test_a_processor_has_bfloat16_where_every_core_lists_it(
    form, flags, has, tmp_path, monkeypatch
):
    file = tmp_path / "cpuinfo"
    file.write_text("".join(form.format(core=i, flags=each) for i, each in enumerate(flags)))
    monkeypatch.setattr(device, "_CPU_INFO", file)
    assert has_bfloat16.__wrapped__() == has
    monkeypatch.setattr(device, "_CPU_INFO", tmp_path / "none")
    assert not has_bfloat16.__wrapped__()


@pytest.mark.parametrize(("has", "precision"), [(True, "bf16"), (False, "fp32")])
def test_a_cpu_without_bfloat16_runs_fp32_and_says_so(has, precision, monkeypatch, caplog):
    monkeypatch.setattr(device, "has_bfloat16", lambda: has)
    assert precision_of("bf16", torch.device("cpu")) == precision
    assert ("does not support bfloat16" in caplog.text) == (not has)
    assert precision_of("bf16", torch.device("cuda")) == "bf16"
