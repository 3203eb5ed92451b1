"""The paper's other encoders behind the same seam, at small sizes."""

import json
from dataclasses import replace

import pytest
import torch
from rounding import assert_same
from tiny_networks import EFFICIENT_SAM, ENCODER, randomised

from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.ablations import ABLATIONS
from evf_sam_ros.models.clip import ClipConfig, ClipTower
from evf_sam_ros.models.config_document import config_from_document, document_from_config
from evf_sam_ros.models.variants import build
from evf_sam_ros.models.vilt import ViltConfig
from evf_sam_ros.training.losses import mask_bce, mask_dice

TOWER = ClipTower(width=16, depth=2, heads=2, feed_forward=32)
CLIP = ClipConfig(
    text=TOWER, vision=replace(TOWER, width=24), joint_width=12, image_size=(32, 32), patch=16,
    vocabulary=50, max_tokens=12,
)  # fmt: skip
VILT = ViltConfig(
    fusion="early", width=16, depth=2, heads=2, feed_forward=32, image_size=(32, 32), patch=16,
    vocabulary=50, max_tokens=12,
)  # fmt: skip
ENCODERS = {
    "BEIT-3, early": ENCODER,
    "BEIT-3, early in the first layer": replace(ENCODER, fused_layers=1),
    "BEIT-3, late": replace(ENCODER, fusion="late"),
    "BEIT-3, text": replace(ENCODER, fusion="text"),
    "CLIP, text": replace(CLIP, vision=None),
    "CLIP, late": CLIP,
    "ViLT, text": replace(VILT, fusion="text"),
    "ViLT, late": replace(VILT, fusion="late"),
    "ViLT, early": VILT,
}
TOKENS = torch.tensor([[[0, 7, 8, 2], [0, 9, 2, 1]], [[0, 9, 2, 1], [0, 7, 8, 2]]])
PADDING = TOKENS == 1


@pytest.fixture(params=ENCODERS.values(), ids=ENCODERS)
def config(request):
    if not request.node.callspec.id.startswith("BEIT"):
        pytest.importorskip("transformers", reason="pip install 'evf_sam_ros[encoders]'")
    return replace(EFFICIENT_SAM, encoder=request.param)


@pytest.fixture
def model(config):
    return randomised(build(config))


def images(config, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(2, 3, *config.encoder.image_size, generator=generator)


def test_each_prompt_of_each_image_gets_a_prompt_token_that_padding_does_not_change(config, model):
    with torch.no_grad():
        prompts = model.prompt(images(config), TOKENS, PADDING)
        assert prompts.shape == (2, 2, model.segmenter.prompt_width)
        alone = model.prompt(images(config)[:1], TOKENS[:1, 1:, :3], PADDING[:1, 1:, :3])
    assert_same(prompts[0, 1], alone[0, 0])


def test_the_words_matter_and_the_picture_unless_it_is_text_only(config, model):
    with torch.no_grad():
        prompts = model.prompt(images(config), TOKENS, PADDING)
        same_words = prompts[0, 0] - prompts[1, 1]
        other_words = prompts[0, 0] - prompts[0, 1]
    text_only = getattr(config.encoder, "fusion", None) == "text" or (
        getattr(config.encoder, "vision", TOWER) is None
    )
    assert (same_words.abs().max() < 1e-5) == text_only
    assert other_words.abs().max() > 1e-3


def test_it_learns(config, model):
    segmenter_side = config.image_input.size[0]
    picture = torch.randn(2, 3, segmenter_side, segmenter_side)
    decoded = model(images(config), picture, TOKENS, PADDING)
    decoded.logits.square().mean().backward()
    for name, parameter in model.projector.named_parameters():
        assert parameter.grad.abs().max() > 0, name
    words = next(w for n, w in model.encoder.named_parameters() if w.shape[0] == 50)
    assert words.grad[7].abs().max() > 0
    assert words.grad[20].abs().max() == 0, "a word that was not said"


def test_steps_of_the_papers_losses_bring_its_masks_nearer(config, model):
    """The image encoder rests, as the recipes have it; encoder and projector learn."""
    torch.manual_seed(8)
    side = config.image_input.size[0]
    picture, targets = torch.randn(2, 3, side, side), torch.zeros(2, 2, 16, 16)
    targets[[0, 1], [0, 1], :, :8] = 1.0  # "7 8" means the left half, in either image
    targets[[0, 1], [1, 0], :, 8:] = 1.0
    model.segmenter.requires_grad_(False)
    learning = [*model.encoder.parameters(), *model.projector.parameters()]
    optimizer = torch.optim.AdamW(learning, lr=2e-3)
    losses = []
    for _ in range(20):
        logits = model(images(config), picture, TOKENS, PADDING).logits.flatten(0, 1)
        bce, dice = (
            mask_bce(logits, targets.flatten(0, 1)),
            mask_dice(logits, targets.flatten(0, 1)),
        )
        loss = (bce + dice).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.95 * losses[0], losses


def test_it_is_saved_and_loaded(config, model, tmp_path):
    checkpoint.save(model, config, tmp_path)
    loaded = checkpoint.load(tmp_path)
    assert loaded.config == config
    with torch.no_grad():
        expected = model.prompt(images(config), TOKENS, PADDING)
        torch.testing.assert_close(loaded.model.prompt(images(config), TOKENS, PADDING), expected)


@pytest.mark.parametrize("fusion", ["text", "late"])
def test_late_beit_3_is_its_two_halves_run_alone(fusion):
    """Both [CLS] of late fusion equal runs in which the other modality is not there at all."""
    model = randomised(
        build(replace(EFFICIENT_SAM, encoder=replace(ENCODER, fusion=fusion)))
    ).eval()
    pictures = images(EFFICIENT_SAM)
    with torch.no_grad():
        features = model.encoder(pictures, TOKENS, PADDING)[:, 0]
        other = model.encoder(pictures.flip(0), TOKENS, PADDING)[:, 0]
    words = features[:, -ENCODER.width :]
    torch.testing.assert_close(words[0], words[3])
    torch.testing.assert_close(words, other[:, -ENCODER.width :])
    if fusion == "late":
        torch.testing.assert_close(features[0, : ENCODER.width], features[1, : ENCODER.width])


def test_fusing_in_every_layer_is_what_was_there_before():
    state = None
    results = []
    for fused_layers in (None, ENCODER.depth, 1, 0):
        encoder = replace(ENCODER, fused_layers=fused_layers)
        model = randomised(build(replace(EFFICIENT_SAM, encoder=encoder))).encoder
        state = state or model.state_dict()
        model.load_state_dict(state)
        with torch.no_grad():
            results.append(model(images(EFFICIENT_SAM), TOKENS, PADDING)[:, 0])
    everywhere, all_layers, first_layer, nowhere = results
    torch.testing.assert_close(everywhere, all_layers)
    assert (everywhere - first_layer).abs().max() > 1e-3
    torch.testing.assert_close(nowhere[0], nowhere[1]), "the picture alone"
    assert (first_layer[0] - first_layer[1]).abs().max() > 1e-3


@pytest.mark.parametrize("name", ABLATIONS)
def test_every_row_survives_json(name):
    document = json.loads(json.dumps(document_from_config(ABLATIONS[name])))
    assert config_from_document(document, "test") == ABLATIONS[name]


def test_what_an_encoder_cannot_be_is_named():
    with pytest.raises(ValueError, match="fusion is 'never', need one of early, late, text"):
        replace(ENCODER, fusion="never")
    with pytest.raises(ValueError, match="fusion is 'never'"):
        replace(VILT, fusion="never")
    document = document_from_config(EFFICIENT_SAM)
    document["encoder"]["family"] = "bert"
    with pytest.raises(
        ValueError, match="encoder family is 'bert', need one of beit3, clip, vilt"
    ):
        config_from_document(document, "test")
