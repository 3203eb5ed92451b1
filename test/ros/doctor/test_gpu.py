"""The doctor compares the GPU with PyTorch's wheel, and reads which JetPack runs."""

import pytest

from evf_sam_ros.ros.doctor.gpu import gpu_findings, jetpack_findings

X86 = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120"]
CU128_ARM = ["sm_80", "sm_90", "sm_100", "compute_100"]


@pytest.mark.parametrize(
    ("capability", "architectures", "level"),
    [
        ((9, 0), X86, None),  # H200
        ((9, 0), ["sm_80", "sm_90a"], None),
        ((8, 7), X86, "note"),  # Orin on the code of sm_80
        ((8, 9), X86, "note"),  # Ada on the code of sm_86
        ((12, 1), ["sm_90", "compute_120"], "note"),  # compiled by the driver
        ((11, 0), ["sm_80", "sm_90", "sm_100"], "problem"),  # Thor
        ((6, 1), X86, "problem"),  # Pascal
        ((8, 0), [], "problem"),
    ],
)
def test_a_wheel_without_code_for_the_gpu_is_found_before_it_fails(
    capability, architectures, level
):
    found = list(gpu_findings("a GPU", capability, architectures))
    assert [each.level for each in found] == ([] if level is None else [level])


def test_the_cure_names_the_wheel():
    (thor,) = gpu_findings("Thor", (11, 0), ["sm_80", "sm_90"])
    assert "no code for Thor (sm_110), only for sm_80, sm_90" in thor.text
    assert "cu130" in thor.cure
    (pascal,) = gpu_findings("P4", (6, 1), X86)
    assert "older PyTorch" in pascal.cure


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("# R36 (release), REVISION: 4.3, GCID: 1, BOARD: generic\n", "L4T 36.4.3, JetPack 6"),
        ("# R39 (release), REVISION: 0.0, GCID: 1, BOARD: generic\n", "L4T 39.0.0, JetPack 7.2"),
    ],
)
def test_the_jetpack_release_is_read(tmp_path, text, said):
    release = tmp_path / "nv_tegra_release"
    release.write_text(text)
    first, *rest = jetpack_findings(release)
    assert first.text.startswith(said)
    assert ["Jetson index" in each.cure for each in rest] == ([True] if "R36" in text else [])


def test_elsewhere_and_in_an_unknown_file_nothing_is_guessed(tmp_path):
    assert list(jetpack_findings(tmp_path / "missing")) == []
    (tmp_path / "odd").write_text("something else")
    (found,) = jetpack_findings(tmp_path / "odd")
    assert found.level == "note"
    assert "something else" in found.text
