"""Exported models: the reference's recorded answers, and folders that were tampered with."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("onnxruntime", reason="optional: pip install '.[onnxruntime]'")

import onnx
from onnx import TensorProto, helper
from test_lean import GOLDENS, TABLETOP, misses, model_and_config, needs_goldens

from benchmarks.engine_parity import check_engine
from benchmarks.golden import load_golden
from evf_sam_ros.cli import main
from evf_sam_ros.engines.exported import writing
from evf_sam_ros.engines.exported.folder import ANSWERS, read_description
from evf_sam_ros.engines.exported.folder_check import check_folder, refuse_operators
from evf_sam_ros.engines.exported.graph_engine import ExportedEngine
from evf_sam_ros.engines.exported.onnxruntime_runner import OnnxRuntimeRunner
from evf_sam_ros.engines.exported.recorded_answers import PICTURES, grid
from evf_sam_ros.engines.exported.runtimes import engine_from
from evf_sam_ros.engines.exported.tensorrt_operators import findings
from evf_sam_ros.engines.proof import disagreement
from evf_sam_ros.models import checkpoint

CPU = torch.device("cpu")
OTHERS = ["tiny_effisam", "tiny_sam2"]
FULL = ["full_evf_effisam_b", "full_evf_effisam_l", "full_evf_sam", "full_evf_sam2"]
slow = pytest.mark.slow


@pytest.fixture
def copied(exported, tmp_path):
    return Path(shutil.copytree(exported, tmp_path / "copied"))


def test_every_answer_recorded_of_the_reference_is_met_by_onnx_runtime(tiny_golden, exported):
    refuse_operators(exported)
    engine = engine_from("onnxruntime", exported, CPU)
    assert misses(check_engine(tiny_golden, engine)) == {}


@slow
@needs_goldens
@pytest.mark.parametrize("name", [*OTHERS, *FULL])
def test_every_family_meets_the_reference_by_onnx_runtime(name, tmp_path):
    golden = load_golden(GOLDENS / name)
    writing.export(golden.model, golden.config, tmp_path)
    refuse_operators(tmp_path)
    assert misses(check_engine(golden, engine_from("onnxruntime", tmp_path, CPU))) == {}


@slow
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_the_default_model_gives_its_answers_in_either_precision(precision, tmp_path, capsys):
    folder = str(tmp_path / "exported")
    assert main(["export", "default", folder, "--precision", precision, "--check"]) == 0
    assert "gives the model's answers to 12 questions" in capsys.readouterr().out


@slow
@pytest.mark.parametrize("name", ["sam", "efficient_sam", "sam2"])
def test_half_precision_of_every_family_is_as_near_as_the_models_own(name, tmp_path):
    model, config = model_and_config(name)
    writing.export(model, config, tmp_path, "fp16")
    refuse_operators(tmp_path)
    engine = engine_from("onnxruntime", tmp_path, CPU)
    assert disagreement(model, config, engine, "fp16").agrees("fp16")


def test_the_recorded_questions_are_met_and_ask_about_more_than_one_picture(exported):
    found = read_description(exported)
    errors = check_folder(exported, "onnxruntime", CPU)
    assert [each.question for each in errors] == grid(found.max_tokens)
    assert {each.question.picture for each in errors} == set(range(PICTURES))
    assert {each.question.prompts for each in errors} == {1, 3, 8}
    assert found.inputs["prompt"]["tokens"] == [1, "prompts", "tokens"]
    assert (found.family, found.precision, found.opset) == ("sam", "fp32", 20)


class Stale:
    """An engine that answers about the first picture for ever."""

    name, in_buckets, most_prompts = "stale", False, None

    def __init__(self, folder):
        self.runner = OnnxRuntimeRunner(folder, "onnxruntime", CPU, folder)
        self.features = None

    def run(self, graph, inputs):
        if graph != "encode":
            return self.runner.run(graph, inputs)
        self.features = self.features or self.runner.run(graph, inputs)
        return self.features


def test_an_engine_that_keeps_the_answer_to_the_first_picture_is_refused(exported, monkeypatch):
    from evf_sam_ros.engines.exported import folder_check

    stale = ExportedEngine(Stale(exported), 12)
    monkeypatch.setattr(folder_check, "engine_from", lambda *_: stale)
    with pytest.raises(ValueError, match=r"answers to 6 of 12 questions; .*features differ by"):
        check_folder(exported, "onnxruntime", CPU)


def test_more_prompts_than_one_run_takes_are_answered_in_several(tiny_golden, exported):
    runner = OnnxRuntimeRunner(exported, "onnxruntime", CPU, exported)
    runner.most_prompts = 1
    assert misses(check_engine(tiny_golden, ExportedEngine(runner, 12))) == {}


def test_a_finished_export_is_not_made_again(tiny_golden, exported, monkeypatch):
    monkeypatch.setattr(writing, "write_graph", lambda *_: pytest.fail("made again"))
    told = []
    writing.export(tiny_golden.model, tiny_golden.config, exported, report=told.append)
    assert told == ["present"] * writing.steps(tiny_golden.config)


def test_an_interrupted_export_goes_on_where_it_stopped(
    tiny_golden, copied, tmp_path, monkeypatch
):
    given = (tiny_golden.model, tiny_golden.config, tmp_path / "new")
    made = []

    def write_graph(source, path):
        if made:
            raise KeyboardInterrupt
        made.append(path.name)
        return [Path(shutil.copy(copied / path.name, path))]

    monkeypatch.setattr(writing, "write_graph", write_graph)
    with pytest.raises(KeyboardInterrupt):
        writing.export(*given)
    with pytest.raises(ValueError, match="its export was interrupted, run it again"):
        check_folder(tmp_path / "new", "onnxruntime", CPU)
    (tmp_path / "new" / ".writing-killed").mkdir()
    monkeypatch.setattr(
        writing,
        "write_graph",
        lambda source, path: (
            made.append(path.name) or [Path(shutil.copy(copied / path.name, path))]
        ),
    )
    writing.export(*given)
    assert made == ["encode.onnx", "prompt.onnx", "decode.onnx"]
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "answers.npz", "decode.onnx", "encode.onnx", "graphs.json", "prompt.onnx",
    ]  # fmt: skip
    check_folder(tmp_path / "new", "onnxruntime", CPU)


def test_a_folder_of_other_weights_is_neither_continued_nor_checked_as_the_models(
    tiny_golden, copied, capsys
):
    model, config = model_and_config("sam")
    with pytest.raises(ValueError, match="an export of other weights: give another folder"):
        writing.export(model, config, copied)
    command = ["check-engine", str(copied), "--runtime", "onnxruntime", "--model", str(TABLETOP)]
    assert main(command) == 2
    assert "was exported from other weights than" in capsys.readouterr().err


def test_another_precision_in_the_folder_is_refused(tiny_golden, copied):
    with pytest.raises(ValueError, match=r"holds an export in fp32 by .*, this is fp16 by"):
        writing.export(tiny_golden.model, tiny_golden.config, copied, "fp16")


def test_a_folder_of_something_else_is_left_alone(tiny_golden, tmp_path):
    (tmp_path / "thesis.txt").touch()
    with pytest.raises(ValueError, match="is not empty: give a new or an empty folder"):
        writing.export(tiny_golden.model, tiny_golden.config, tmp_path)


@pytest.mark.parametrize("name", ["encode.onnx", ANSWERS])
def test_a_changed_file_is_refused(copied, name):
    content = bytearray((copied / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copied / name).write_bytes(bytes(content))
    with pytest.raises(ValueError, match=f"{name} was changed since its export: export again"):
        check_folder(copied, "onnxruntime", CPU)


def test_answers_that_are_others_are_refused_even_with_their_own_digest(copied):
    with np.load(copied / ANSWERS) as file:
        arrays = dict(file)
    arrays["question_5_logits"] = arrays["question_5_logits"] * 1.001
    np.savez(copied / ANSWERS, **arrays)
    path = copied / "graphs.json"
    description = json.loads(path.read_text())
    mark = writing.mark_of_file(copied / ANSWERS)
    description["files"][ANSWERS] = {"size": mark.size, "sha256": mark.sha256}
    path.write_text(json.dumps(description))
    with pytest.raises(
        ValueError, match="answers to 1 of 12 questions; with 8 prompts of 8 tokens"
    ):
        check_folder(copied, "onnxruntime", CPU)


def test_a_missing_file_and_one_cut_short_are_named(copied):
    with (copied / "decode.onnx").open("r+b") as file:
        file.truncate(100)
    with pytest.raises(ValueError, match=r"decode.onnx has 100 bytes, graphs.json says \d+"):
        engine_from("onnxruntime", copied, CPU)
    (copied / "decode.onnx").unlink()
    with pytest.raises(ValueError, match=r"decode.onnx is missing: export the model again"):
        engine_from("onnxruntime", copied, CPU)


def test_a_folder_without_room_is_refused_before_anything_is_written(
    tiny_golden, tmp_path, monkeypatch
):
    usage = shutil.disk_usage(tmp_path)._replace(free=10**6)
    monkeypatch.setattr(writing.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ValueError, match=r"the export takes \d+ MB, but .* has 1 MB left"):
        writing.export(tiny_golden.model, tiny_golden.config, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_wrong_names_are_refused_with_the_choices(exported, tmp_path, capsys):
    checks = (
        (["check-engine", str(exported), "--runtime", "tvm"], "runtime is 'tvm', need one of"),
        (["check-engine", str(tmp_path), "--runtime", "onnxruntime"], "holds no exported model"),
        (["export", "default", str(tmp_path), "--precision", "int4"], "need fp32 or fp16"),
    )
    for command, sentence in checks:
        assert main(command) == 2
        assert sentence in capsys.readouterr().err


def test_a_provider_that_this_build_has_not_is_named(exported):
    with pytest.raises(ValueError, match="needs CUDAExecutionProvider, this ONNX Runtime has"):
        OnnxRuntimeRunner(exported, "onnxruntime-cuda", torch.device("cuda:0"), exported)


@pytest.mark.parametrize(
    ("node", "finding"),
    [
        (helper.make_node("Unique", ["a"], ["b"]), "operator Unique (1)"),
        (helper.make_node("Sigmoid", ["a"], ["b"], domain="mine"), "operator Sigmoid (1)"),
        (
            helper.make_node("Squeeze", ["a", "axes"], ["b"]),
            "Squeeze with computed axes or scales (1)",
        ),
        (helper.make_node("Softmax", ["a"], ["b"]), "Softmax of DOUBLE (1)"),
    ],
)
def test_what_tensorrt_does_not_take_is_found(node, finding, tmp_path):
    graph = helper.make_graph(
        [node],
        "made",
        [
            helper.make_tensor_value_info("a", TensorProto.DOUBLE, [1, 4]),
            helper.make_tensor_value_info("axes", TensorProto.INT64, [1]),
        ],
        [helper.make_tensor_value_info("b", TensorProto.DOUBLE, None)],
    )
    path = tmp_path / "made.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)]), path)
    assert finding in findings(path)


def test_the_models_own_weights_stay_as_they_are_when_it_is_exported_in_half_precision():
    from evf_sam_ros.engines.exported.casts import half_twin

    loaded = checkpoint.load(TABLETOP)
    digest = writing.weights_digest(loaded.model)
    twin = half_twin(loaded.model, torch.float16)
    assert torch.float16 in {each.dtype for each in twin.parameters()}
    assert writing.weights_digest(loaded.model) == digest
