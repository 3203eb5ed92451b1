"""Model folders, written as the reference's and as ours, whole and broken."""

import json
import pickle
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file
from tiny_networks import EFFICIENT_SAM, ENCODER, SAM, SAM_2, randomised

from benchmarks.golden import golden_tensor
from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.config_document import config_from_document, document_from_config
from evf_sam_ros.models.variants import VARIANTS, build

RELEASED = {
    "model_type": "evf",
    "hidden_size": 768,
    "out_dim": 256,
    "sam_scale": "tiny",
    "mm_extractor_scale": "base",
}


def released_name(name):
    """Undo the renaming, written by hand from the released key lists."""
    for ours, theirs in (
        ("encoder.layer", "mm_extractor.beit3.encoder.layer"),
        ("encoder.embed_positions.", "mm_extractor.beit3.encoder.embed_positions."),
        ("encoder.", "mm_extractor.beit3."),
        ("projector.", "text_hidden_fcs.0."),
        ("segmenter.", "visual_model."),
    ):
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    raise AssertionError(name)


def released_state(config):
    """Return golden weights under released names."""
    with torch.device("meta"):
        shapes = {released_name(n): t.shape for n, t in build(config).state_dict().items()}
    return {key: torch.from_numpy(golden_tensor(key, shape)) for key, shape in shapes.items()}


@pytest.fixture
def state():
    return released_state(EFFICIENT_SAM)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return a released-format folder without weights, of a size fit for a test."""
    monkeypatch.setitem(VARIANTS, "evf_effisam_b", EFFICIENT_SAM)
    (tmp_path / "config.json").write_text(json.dumps(RELEASED))
    return tmp_path


def halves(state):
    keys = list(state)
    middle = len(keys) // 2
    return [{key: state[key] for key in part} for part in (keys[:middle], keys[middle:])]


def write_shards(folder, state, stem, suffix, write):
    names = [f"{stem}-0000{i}-of-00002.{suffix}" for i in (1, 2)]
    weight_map = {}
    for name, part in zip(names, halves(state), strict=True):
        write(part, folder / name)
        weight_map |= dict.fromkeys(part, name)
    index = {"metadata": {}, "weight_map": weight_map}
    (folder / f"{stem}.{suffix}.index.json").write_text(json.dumps(index))


WRITERS = {
    "one .bin": lambda folder, state: torch.save(state, folder / "pytorch_model.bin"),
    "an old .bin": lambda folder, state: torch.save(
        state, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False
    ),
    "one .safetensors": lambda folder, state: save_file(state, folder / "model.safetensors"),
    "sharded .bin": lambda folder, state: write_shards(
        folder, state, "pytorch_model", "bin", torch.save
    ),
    "sharded .safetensors": lambda folder, state: write_shards(
        folder, state, "model", "safetensors", save_file
    ),
    "shards without an index": lambda folder, state: [
        torch.save(part, folder / f"pytorch_model-{i}.bin") for i, part in enumerate(halves(state))
    ],
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
def test_a_released_folder_loads_every_tensor(folder, state, write):
    write(folder, state)
    loaded = checkpoint.load(folder)
    own = loaded.model.state_dict()
    assert len(own) == len(state)
    for name, tensor in own.items():
        torch.testing.assert_close(tensor, state[released_name(name)], rtol=0, atol=0)
    assert loaded.config == EFFICIENT_SAM
    assert not loaded.model.training


def test_half_precision_weights_become_float32(folder, state):
    save_file({key: value.half() for key, value in state.items()}, folder / "model.safetensors")
    assert {t.dtype for t in checkpoint.load(folder).model.state_dict().values()} == {
        torch.float32
    }


def test_a_released_folder_may_tell_its_sizes(folder, state):
    sizes = {**RELEASED, checkpoint.CONFIG_KEY: document_from_config(SAM)}
    (folder / "config.json").write_text(json.dumps(sizes))
    save_file(released_state(SAM), folder / "model.safetensors")
    assert checkpoint.load(folder).config == SAM


@pytest.mark.parametrize("config", [SAM, EFFICIENT_SAM, SAM_2, VARIANTS["tabletop"]])
def test_what_we_save_we_load(config, tmp_path):
    model = randomised(build(config))
    checkpoint.save(model, config, tmp_path / "new" / "folder", extra={"decision": {"bias": 2}})
    loaded = checkpoint.load(tmp_path / "new" / "folder")
    assert loaded.config == config
    assert loaded.document["decision"] == {"bias": 2}
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(loaded.model.state_dict()[name], tensor, rtol=0, atol=0)
    assert all(parameter.requires_grad for parameter in loaded.model.parameters())


def test_weights_are_stored_in_the_precision_asked_for(tmp_path):
    model = build(VARIANTS["tabletop"])
    checkpoint.save(model, VARIANTS["tabletop"], tmp_path, dtype=torch.float16)
    assert (tmp_path / "model.safetensors").stat().st_size < 2.2 * sum(
        tensor.numel() for tensor in model.state_dict().values()
    )
    checkpoint.load(tmp_path)


def test_who_may_read_one_file_of_a_saved_model_may_read_the_other(tmp_path):
    config = VARIANTS["tabletop"]
    checkpoint.save(build(config), config, tmp_path)
    modes = {path.stat().st_mode for path in tmp_path.iterdir()}
    assert len(modes) == 1


def test_a_failed_save_keeps_the_model_that_was_there(tmp_path, monkeypatch):
    config = EFFICIENT_SAM
    checkpoint.save(build(config), config, tmp_path)

    def interrupted(_state, path):
        path.write_bytes(b"half a file")
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        checkpoint.save(build(config), config, tmp_path)
    checkpoint.load(tmp_path)


def test_missing_unexpected_and_misshapen_tensors_are_named_at_once(folder, state):
    del state["text_hidden_fcs.0.0.bias"]
    state["mm_extractor.beit3.encoder.layers.9.surprise"] = torch.zeros(1)
    state["visual_model.mask_decoder.iou_token.weight"] = torch.zeros(1, 5)
    torch.save(state, folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match="do not fit") as caught:
        checkpoint.load(folder)
    message = str(caught.value)
    assert "missing projector.0.bias" in message
    assert "unexpected encoder.layers.9.surprise" in message
    assert "segmenter.mask_decoder.iou_token.weight is (1, 5), not (1, 32)" in message


def test_a_long_list_of_missing_tensors_is_cut(folder):
    keep = "visual_model.prompt_encoder.invalid_points.weight"
    torch.save({keep: torch.zeros(1, 32)}, folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match=r"missing .* and \d+ more") as caught:
        checkpoint.load(folder)
    assert len(str(caught.value)) < 1000


class Hostile:
    def __reduce__(self):
        return (open, ("owned.txt", "w"))


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_that_runs_code_is_refused(folder, state, monkeypatch, zipped):
    monkeypatch.chdir(folder)
    state["visual_model.mask_decoder.iou_token.weight"] = Hostile()
    torch.save(state, folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped)
    with pytest.raises(ValueError, match=r"pytorch_model\.bin is refused"):
        checkpoint.load(folder)
    assert not (folder / "owned.txt").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("pytorch_model.bin", b""),
        ("pytorch_model.bin", b"not a checkpoint"),
        ("pytorch_model.bin", pickle.dumps({"a": 1}, protocol=2)),
        ("model.safetensors", b""),
        ("model.safetensors", b"\xff" * 100),
    ],
)
def test_a_broken_file_is_named(folder, name, content):
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=name):
        checkpoint.load(folder)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.safetensors"])
def test_a_file_that_git_did_not_fetch_says_how_to(folder, name):
    note = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5259785376\n"
    (folder / name).write_text(note)
    with pytest.raises(ValueError, match=f"{name} is only a Git LFS pointer: run `git lfs pull`"):
        checkpoint.load(folder)


def test_a_truncated_file_is_named(folder, state):
    torch.save(state, folder / "pytorch_model.bin")
    whole = (folder / "pytorch_model.bin").read_bytes()
    (folder / "pytorch_model.bin").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"pytorch_model\.bin cannot be read"):
        checkpoint.load(folder)


def test_a_checkpoint_with_more_than_tensors_is_refused(folder, state):
    torch.save({"student": state, "step": 7}, folder / "pytorch_model.bin")
    with pytest.raises(ValueError, match="something else than tensors by name"):
        checkpoint.load(folder)


def test_an_index_that_names_files_elsewhere_is_refused(folder, state, tmp_path_factory):
    outside = tmp_path_factory.mktemp("elsewhere") / "weights.bin"
    torch.save(state, outside)
    for name in (str(outside), f"../{outside.parent.name}/{outside.name}"):
        index = {"weight_map": dict.fromkeys(state, name)}
        (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
        with pytest.raises(ValueError, match="which is not a file beside it"):
            checkpoint.load(folder)


def test_an_index_that_names_an_absent_shard_is_refused(folder):
    index = {"weight_map": {"a": "absent.bin"}}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
    with pytest.raises(ValueError, match=r"absent\.bin cannot be read: No such file"):
        checkpoint.load(folder)


def test_a_tensor_in_two_shards_is_refused(folder, state):
    torch.save(state, folder / "pytorch_model-1.bin")
    torch.save({"text_hidden_fcs.0.0.bias": torch.zeros(16)}, folder / "pytorch_model-2.bin")
    with pytest.raises(ValueError, match=r"repeats .* text_hidden_fcs\.0\.0\.bias"):
        checkpoint.load(folder)


def test_a_folder_without_weights_says_what_it_needs(folder):
    with pytest.raises(ValueError, match=r"holds no weights: need \*\.safetensors"):
        checkpoint.load(folder)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        (None, r"config\.json cannot be read: No such file"),
        ("{", r"config\.json is not a JSON file"),
        ("[]", r"config\.json does not hold a JSON object"),
        ('{"model_type": "llama"}', "describes no EVF-SAM"),
        ('{"evf_sam_ros": 5}', "describes a model that cannot be built"),
        ('{"evf_sam_ros": {"encoder": {}}}', "EvfSamConfig needs segmenter"),
        (json.dumps({**RELEASED, "sam_scale": "giant"}), "'giant', 'base'"),
    ],
)
def test_a_bad_config_is_named(folder, state, config, complaint):
    save_file(state, folder / "model.safetensors")
    (folder / "config.json").unlink()
    if config is not None:
        (folder / "config.json").write_text(config)
    with pytest.raises(ValueError, match=complaint):
        checkpoint.load(folder)


def test_a_sam_2_checkpoint_is_not_taken_for_an_efficient_sam(folder):
    state = {"visual_model.image_encoder.trunk.pos_embed": torch.zeros(1)}
    save_file(state, folder / "model.safetensors")
    with pytest.raises(ValueError, match=r"is \('sam2', 'tiny', 'base'\)"):
        checkpoint.load(folder)


@pytest.mark.parametrize(
    "config", [*VARIANTS.values(), SAM, SAM_2], ids=[*VARIANTS, "tiny", "tiny2"]
)
def test_a_configuration_survives_json(config):
    document = json.loads(json.dumps(document_from_config(config)))
    assert config_from_document(document, "test") == config


def test_a_configuration_of_another_kind_is_named():
    document = document_from_config(SAM)
    document["encoder"]["colour"] = "blue"
    with pytest.raises(ValueError, match="Beit3Config has no colour"):
        config_from_document(document, "test")
    document = document_from_config(replace(SAM, encoder=ENCODER))
    document["segmenter"]["family"] = "sam3"
    with pytest.raises(ValueError, match="'sam3', need one of sam, efficient_sam, sam2, compact"):
        config_from_document(document, "test")
