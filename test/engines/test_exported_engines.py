"""Engines of exported files: made once, proved before they answer, refused in one sentence."""

import os
import shutil
import subprocess
import sys
import threading
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from test_lean import inputs, misses, model_and_config, run

from benchmarks.engine_parity import check_engine
from benchmarks.golden import relative
from evf_sam_ros.engines.cache import cache_of
from evf_sam_ros.engines.engine import PlainEngine, engine_for, is_exact
from evf_sam_ros.engines.exported import proven
from evf_sam_ros.engines.exported.runtimes import RUNTIMES
from evf_sam_ros.engines.measured import note_times
from evf_sam_ros.engines.proof import allowed
from evf_sam_ros.models import checkpoint

CPU = torch.device("cpu")
EXACT = allowed("fp32")
ON_CPUS = [
    pytest.param(
        name, marks=pytest.mark.skipif(not find_spec(name), reason=f"pip install '.[{name}]'")
    )
    for name in ("openvino", "onnxruntime")
]
needs_onnxruntime = pytest.mark.skipif(
    not find_spec("onnxruntime"), reason="pip install '.[onnxruntime]'"
)
FILES = (("int8", "prompt.bin"), ("exported", "prompt.onnx"))
PUBLIC = RUNTIMES["onnxruntime"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def made(exported, monkeypatch):
    """Count exports, each of which is a copy of one that was made before."""
    count = []

    def export(model, config, folder, precision, *, with_answers):
        count.append(folder)
        shutil.copytree(exported, folder, dirs_exist_ok=True)

    monkeypatch.setattr(proven, "export", export)
    return count


@pytest.fixture
def model(tiny_golden):
    return tiny_golden.model, tiny_golden.config


@pytest.mark.parametrize("name", ON_CPUS)
def test_every_answer_recorded_of_the_reference_is_met(name, tiny_golden, model, made):
    engine = engine_for(name, *model, CPU, "fp32")
    assert engine.name == name
    assert is_exact(engine, CPU)
    assert misses(check_engine(tiny_golden, engine)) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", ON_CPUS)
def test_the_default_model_answers_alike_for_any_number_of_images_and_prompts(name):
    model, config = model_and_config("tabletop")
    engine = engine_for(name, model, config, CPU, "fp32")
    assert engine_for("auto", model, config, CPU, "fp32").name == name
    for images, prompts, words in ((1, 1, 5), (2, 3, 9), (1, 5, 30)):
        given = inputs(config, images, prompts, words)
        expected, computed = run(PlainEngine(model), *given), run(engine, *given)
        for field in ("logits", "predicted_iou", "presence"):
            pair = [getattr(each, field).numpy() for each in (expected, computed)]
            assert pair[0].shape == pair[1].shape
            assert relative(*pair) < EXACT


@pytest.mark.parametrize("name", ON_CPUS)
def test_files_are_made_once_and_a_proof_is_kept(name, model, made, monkeypatch):
    assert engine_for("auto", *model, CPU, "fp32").name == "torch"
    assert made == [], "nothing is made unless asked for"
    assert engine_for(name, *model, CPU, "fp32").name == name
    monkeypatch.setattr(proven, "disagreement", lambda *_: pytest.fail("proved again"))
    for asked in (name, "auto"):
        assert engine_for(asked, *model, CPU, "fp32").name == name
    assert len(made) == 1


@needs_onnxruntime
def test_another_version_of_a_runtime_is_proved_anew(model, made, monkeypatch):
    engine_for("onnxruntime", *model, CPU, "fp32")
    proofs = []
    found = proven.disagreement
    monkeypatch.setattr(proven, "disagreement", lambda *a: proofs.append(1) or found(*a))
    other = proven.RUNTIMES | {
        "onnxruntime": type(PUBLIC)(**vars(PUBLIC) | {"version": lambda: "0"})
    }
    monkeypatch.setattr(proven, "RUNTIMES", other)
    assert engine_for("auto", *model, CPU, "fp32").name == "torch"
    assert engine_for("onnxruntime", *model, CPU, "fp32").name == "onnxruntime"
    assert proofs == [1]
    assert len(made) == 1


@needs_onnxruntime
def test_files_of_other_weights_are_refused_once_and_for_all(model, made, caplog):
    tampered = checkpoint.build_with(model[1], dict(model[0].state_dict()), "a test")
    with torch.no_grad():
        weights = tampered.projector[2].weight
        tampered.projector[2].weight = torch.nn.Parameter(weights * 1.01)
    for name in ("onnxruntime", "onnxruntime", "auto"):
        caplog.clear()
        assert engine_for(name, tampered, model[1], CPU, "fp32").name == "torch"
        assert "from onnxruntime to torch: its answers differ from the model's by" in caplog.text
    assert len(made) == 1


@needs_onnxruntime
def test_weights_are_read_for_their_digest_once_for_the_files_they_came_from(
    model, made, tmp_path, monkeypatch
):
    checkpoint.save(*model, tmp_path / "model")
    counted = []
    digest = proven.weights_digest
    monkeypatch.setattr(proven, "weights_digest", lambda own: counted.append(1) or digest(own))
    given = (*model, CPU, "fp32")
    assert engine_for("auto", *given, source=tmp_path / "model").name == "torch"
    assert counted == [], "nothing was made of these files: there is nothing to look for"
    for name in ("onnxruntime", "auto", "onnxruntime"):
        assert engine_for(name, *given, source=tmp_path / "model").name == "onnxruntime"
    assert counted == [1]


@needs_onnxruntime
def test_an_export_in_the_models_folder_is_used_without_the_exporters(
    model, exported, tmp_path, monkeypatch
):
    source = tmp_path / "model"
    checkpoint.save(*model, source)
    shutil.copytree(exported, source / "exported")
    monkeypatch.setattr(proven, "export", lambda *_, **__: pytest.fail("exported"))
    given = (*model, CPU, "fp32")
    assert engine_for("onnxruntime", *given, source=source).name == "onnxruntime"
    graph = source / "exported" / "encode.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    with pytest.raises(ValueError, match=r"encode.onnx was changed since its export"):
        engine_for("onnxruntime", *given, source=source)


@needs_onnxruntime
def test_an_export_of_other_weights_in_the_models_folder_is_one_sentence(exported, tmp_path):
    model, config = model_and_config("efficient_sam")
    checkpoint.save(model, config, tmp_path)
    shutil.copytree(exported, tmp_path / "exported")
    with pytest.raises(ValueError, match="was exported from other weights than"):
        engine_for("onnxruntime", model, config, CPU, "fp32", source=tmp_path)


@needs_onnxruntime
def test_what_could_not_be_made_leaves_nothing_behind(model, cache, monkeypatch):
    def full(model, config, folder, *_, **__):
        (folder / "encode.onnx").touch()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(proven, "export", full)
    killed = cache_of("exported") / "unfinished-killed"
    killed.mkdir(parents=True)
    (killed / "encode.onnx").touch()
    with pytest.raises(OSError, match="No space left"):
        engine_for("onnxruntime", *model, CPU, "fp32")
    assert list(cache_of("exported").iterdir()) == []


def test_what_killed_programs_left_is_removed_and_what_others_make_is_not(tmp_path):
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
    names = (f"unfinished-{ended.pid}-a", "unfinished-b", f"unfinished-{os.getpid()}-c", "d")
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "encode.onnx").touch()
    proven.remove_unfinished(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {*names[2:]}


@needs_onnxruntime
def test_torch_answers_while_an_engine_is_made(model, made, monkeypatch):
    go_on, export = threading.Event(), proven.export
    monkeypatch.setattr(proven, "export", lambda *a, **k: go_on.wait() and export(*a, **k))
    monkeypatch.setattr(
        "evf_sam_ros.engines.engine.is_installed", lambda name: name == "onnxruntime"
    )
    engine = engine_for("warming", *model, CPU, "fp32")
    given = inputs(model[1])
    expected = run(PlainEngine(model[0]), *given).logits.numpy()
    assert engine.name == "torch"
    assert relative(expected, run(engine, *given).logits.numpy()) < EXACT
    go_on.set()
    engine.wait()
    assert engine.name == "onnxruntime"
    assert relative(expected, run(engine, *given).logits.numpy()) < EXACT


def test_auto_takes_the_faster_of_two_that_are_ready(model, tiny, tmp_path, monkeypatch):
    folder = Path(shutil.copytree(tiny, tmp_path / "model"))
    ready = lambda name, *_, **__: type("Ready", (), {"name": name})()  # noqa: E731
    monkeypatch.setattr("evf_sam_ros.engines.engine.is_installed", lambda _: True)
    monkeypatch.setattr("evf_sam_ros.engines.engine._proven", ready)
    for times, fastest in (
        ({}, "openvino"),
        ({"torch": 3.0, "openvino": 2.0, "onnxruntime": 1.0}, "onnxruntime"),
        ({"torch": 3.0, "openvino": 4.0, "onnxruntime": 2.0}, "onnxruntime"),
        ({"torch": 1.0, "openvino": 2.0, "onnxruntime": 3.0}, "torch"),
    ):
        note_times(folder, "fp32", times)
        assert engine_for("auto", *model, CPU, "fp32", source=folder).name == fastest
    assert engine_for("auto", *model, CPU, "bf16", source=folder).name == "openvino"


@pytest.mark.parametrize(
    ("name", "device", "precision", "sentence"),
    [
        ("openvino", "cuda:0", "fp16", "'openvino' runs on a CPU, the device is cuda:0"),
        ("onnxruntime", "cuda:0", "fp16", "'onnxruntime' runs on a CPU, the device is cuda:0"),
        ("tensorrt", "cpu", "fp32", "'tensorrt' runs on a GPU, the device is cpu; need torch"),
        ("onnxruntime", "cpu", "bf16", "does not run in 'bf16' here, need fp32"),
        ("tensorrt", "cuda:0", "bf16", "does not run in 'bf16' here, need fp32 or fp16"),
    ],
)
def test_where_an_engine_does_not_run_is_one_sentence(name, device, precision, sentence, model):
    with pytest.raises(ValueError, match=sentence):
        engine_for(name, *model, torch.device(device), precision)


@pytest.mark.skipif(bool(find_spec("tensorrt")), reason="TensorRT is installed")
def test_without_tensorrt_asking_says_what_to_install(model):
    with pytest.raises(ValueError, match="engine 'tensorrt' needs: TensorRT 10, of JetPack on a"):
        engine_for("tensorrt", *model, torch.device("cuda:0"), "fp16")


@pytest.mark.skipif(not find_spec("nncf"), reason="pip install '.[int8]'")
def test_weights_in_8_bits_are_made_once_and_answer_within_their_gate(model, made, monkeypatch):
    given = inputs(model[1])
    expected = run(PlainEngine(model[0]), *given).logits.numpy()
    engine = engine_for("openvino", *model, CPU, "int8")
    assert engine.name == "openvino"
    assert EXACT < relative(expected, run(engine, *given).logits.numpy()) < allowed("int8")
    sizes = [sum(p.stat().st_size for p in cache_of(k).rglob(s)) for k, s in FILES]
    assert sizes[0] < sizes[1] / 2
    monkeypatch.setattr("evf_sam_ros.engines.exported.int8_weights._make", pytest.fail)
    assert engine_for("openvino", *model, CPU, "int8").name == "openvino"


@pytest.mark.parametrize("name", ["auto", "torch", "onnxruntime"])
def test_weights_in_8_bits_are_of_openvino_alone(name, model):
    with pytest.raises(ValueError, match=f"of engine 'openvino' alone, the engine is '{name}'"):
        engine_for(name, *model, CPU, "int8")
