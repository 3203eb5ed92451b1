"""SAM-2 on video: the numbers of transformers' Sam2Video, frame by frame, and bounded memory."""

import re
import sys
from dataclasses import replace

import pytest
import torch
from rounding import WORST, expected_error
from tiny_networks import DECODER, SAM_2

from benchmarks.golden import golden_tensor
from evf_sam_ros.models.sam2_memory import MemoryConfig
from evf_sam_ros.models.sam2_video import NO_OBJECT, POINTERS, Sam2Video
from evf_sam_ros.models.variants import build

SIDE, WIDTH, GRID = 64, 128, 4
_LAYERS = 20  # that a frame passes to what is remembered
FRAMES = 22  # more than are remembered, of grids (4) and of pointers (16)
# The oracle can have no other memory width than 64.
SEGMENTER = replace(
    SAM_2.segmenter,
    prompt_width=WIDTH,
    memory=MemoryConfig(width=64, depth=2, feed_forward=32, fuser_depth=2, frames=4),
)

# Our names to those of transformers; its prompt encoder and positions have what they need.
NAMES = (
    (r"^no_mem_embed$", "no_memory_embedding"),
    (r"^memory\.frame_positions$", "memory_temporal_positional_encoding"),
    (r"^memory\.no_memory_position$", "no_memory_positional_encoding"),
    (r"^memory\.no_object_pointer$", "no_object_pointer"),
    (r"^memory\.mask_downsample\.", "mask_downsample."),
    (r"^memory\.pointer\.", "object_pointer_proj."),
    (r"^memory\.(attention|encoder)\.", r"memory_\1."),
    (r"\.out_proj\.(?=weight|bias)", ".o_proj."),
    (r"^memory_encoder\.o_proj\.", "memory_encoder.projection."),
    (r"\.norm_final_attn\.", ".layer_norm_final_attn."),
    (r"\.fuser\.(\d+)\.weight", r".memory_fuser.layers.\1.scale"),
    (r"\.fuser\.", ".memory_fuser.layers."),
    (r"\.norm(?=\d?\.)", ".layer_norm"),
    (r"\.dwconv\.", ".depthwise_conv."),
    (r"\.pwconv", ".pointwise_conv"),
    (r"\.pix_feat_proj\.", ".feature_projection."),
    (r"\.lin1\.", ".proj_in."),
    (r"\.lin2\.", ".proj_out."),
    (r"\.output_upscaling\.0\.", ".upscale_conv1."),
    (r"\.output_upscaling\.1\.", ".upscale_layer_norm."),
    (r"\.output_upscaling\.3\.", ".upscale_conv2."),
    (r"\.mask_downsampler\.encoder\.12\.", ".mask_downsampler.final_conv."),
    *(
        (rf"\.mask_downsampler\.encoder\.{3 * i + j}\.", f".mask_downsampler.layers.{i}.{part}.")
        for i in range(4)
        for j, part in enumerate(("conv", "layer_norm"))
    ),
    (r"((?:mlps\.\d|head|pointer_proj)\.)layers\.0\.", r"\1proj_in."),
    (r"((?:mlps\.\d|head|pointer_proj)\.)layers\.1\.", r"\1layers.0."),
    (r"((?:mlps\.\d|head|pointer_proj)\.)layers\.2\.", r"\1proj_out."),
    (r"^prompt_encoder\.pe_layer\.\w+$", "shared_image_embedding.positional_embedding"),
)  # fmt: skip

# The film is given to the oracle as features; nobody prompts with a mask, and words are no points.
UNUSED = (
    "vision_encoder.",
    "prompt_encoder.mask_embed.",
    "prompt_encoder.point_embed.weight",
)
VISION = {
    "backbone_config": {
        "model_type": "sam2_hiera_det_model", "hidden_size": 8, "num_attention_heads": 1,
        "blocks_per_stage": [1, 1, 1, 1], "embed_dim_per_stage": [8, 16, 32, 64],
        "num_attention_heads_per_stage": [1, 1, 1, 1], "window_size_per_stage": [4, 2, 2, 2],
        "global_attention_blocks": [2], "image_size": [SIDE, SIDE],
    },
    "fpn_hidden_size": WIDTH,
    "backbone_channel_list": [64, 32, 16, 8],
    "backbone_feature_sizes": [[4 * GRID] * 2, [2 * GRID] * 2, [GRID] * 2],
}  # fmt: skip


def their_name(name):
    for pattern, replacement in NAMES:
        name = re.sub(pattern, replacement, name)
    return name


@pytest.fixture(scope="module")
def sam2():
    segmenter = build(replace(SAM_2, segmenter=SEGMENTER)).segmenter.requires_grad_(False)
    for name, tensor in segmenter.state_dict().items():
        tensor.copy_(torch.from_numpy(golden_tensor(name, tuple(tensor.shape))))
    return segmenter


@pytest.fixture(scope="module")
def frames(sam2):
    """Return what the image encoder sees in a short film, and the prompt of its first frame."""
    generator = torch.Generator().manual_seed(4)
    film = torch.randn(FRAMES, 3, SIDE, SIDE, generator=generator)
    return [sam2.see(frame[None]) for frame in film], torch.randn(1, 1, WIDTH, generator=generator)


@pytest.fixture
def oracle(sam2):
    if sys.version_info < (3, 11):
        pytest.skip("the transformers we pin needs Python 3.11 (extra `encoders`)")
    from transformers import Sam2VideoModel

    model = Sam2VideoModel(oracle_config()).eval()
    theirs = model.state_dict()
    ours = {their_name(name): tensor for name, tensor in sam2.state_dict().items()}
    # Their one other name for the same tensor.
    ours["prompt_encoder.shared_embedding.positional_embedding"] = ours[
        "shared_image_embedding.positional_embedding"
    ]
    for name in theirs:
        if not name.startswith(UNUSED):
            theirs[name].copy_(ours[name])
    return model


def oracle_config():
    """Describe `SEGMENTER` to transformers."""
    from transformers import Sam2VideoConfig

    memory = SEGMENTER.memory
    return Sam2VideoConfig(
        vision_config=VISION,
        prompt_encoder_config={"hidden_size": WIDTH, "image_size": SIDE, "mask_input_channels": 4},
        mask_decoder_config={
            "hidden_size": WIDTH, "mlp_dim": DECODER.feed_forward,
            "num_attention_heads": DECODER.heads, "iou_head_hidden_dim": DECODER.iou_hidden,
        },
        image_size=SIDE,
        num_maskmem=memory.frames,
        # What SAM 2.0, and so EVF-SAM, does not have; 2.1 does.
        enable_occlusion_spatial_embedding=False,
        enable_temporal_pos_encoding_for_object_pointers=False,
        memory_attention_hidden_size=WIDTH,
        memory_attention_num_layers=memory.depth,
        memory_attention_feed_forward_hidden_size=memory.feed_forward,
        memory_attention_rope_feat_sizes=[GRID, GRID],
        memory_encoder_hidden_size=WIDTH,
        memory_encoder_output_channels=memory.width,
        mask_downsampler_embed_dim=WIDTH,
        memory_fuser_num_layers=memory.fuser_depth,
        memory_fuser_embed_dim=WIDTH,
        memory_fuser_intermediate_dim=4 * WIDTH,
    )  # fmt: skip


def films_of(model, frames, prompt):
    """Let the oracle follow; return every stage of every frame."""
    model._prepare_vision_features = features_of(model, frames)
    session, records = pointed_session(), []
    stages, _ = recorded_stages(model.memory_encoder, model.memory_attention)
    points_prompt = model.prompt_encoder.forward
    for index in range(FRAMES):
        stages.clear()

        def prompted(*args, index=index, **kwargs):
            sparse, dense = points_prompt(*args, **kwargs)
            return (prompt[:, None] if index == 0 else sparse), dense

        model.prompt_encoder.forward = prompted
        answer = model(session, frame_idx=index)
        kind = "cond_frame_outputs" if index == 0 else "non_cond_frame_outputs"
        output = session.output_dict_per_obj[0][kind][index]
        record = {
            "memory encoder": stages["memory"][0].flatten(2).transpose(1, 2),
            "pointer": output["object_pointer"].flatten(),
            "masks": answer.pred_masks,
            "object score": answer.object_score_logits.flatten(),
        }
        if index:
            record["memory attention"] = stages["attention"].reshape(GRID * GRID, WIDTH)
        records.append(record)
    return records


def pointed_session():
    """Return the oracle's session of the film, with a point to follow, which words replace."""
    from transformers.models.sam2_video.modeling_sam2_video import Sam2VideoInferenceSession

    session = Sam2VideoInferenceSession(video_height=SIDE, video_width=SIDE, dtype=torch.float32)
    session.obj_id_to_idx(1)
    session.processed_frames = dict.fromkeys(range(FRAMES), torch.zeros(3, SIDE, SIDE))
    one_point = {
        "point_coords": torch.zeros(1, 1, 1, 2),
        "point_labels": torch.ones(1, 1, 1, dtype=torch.int32),
    }
    session.add_point_inputs(0, 0, one_point)
    session.obj_with_new_inputs.append(1)
    return session


def features_of(model, frames):
    """Return what gives the oracle our image encoder's features, in place of its own."""
    grid_positions = model.vision_encoder.neck.position_encoding

    def features(_session, index, batch_size):
        seen = frames[index]
        levels = (seen.quarter_BChw, seen.eighth_BChw, seen.grid_BChw)
        positions = grid_positions(levels[-1].shape, levels[-1].device, levels[-1].dtype)
        flat = [level.flatten(2).permute(2, 0, 1) for level in levels]
        return flat, [positions.flatten(2).permute(2, 0, 1)] * 3

    return features


def recorded_stages(memory_encoder, memory_attention):
    """Return where what they gave last will be found, by name, and the hooks that see to it."""
    stages = {}

    def keep(name):
        return lambda _module, _inputs, output: stages.__setitem__(name, output)

    hooks = [
        memory_encoder.register_forward_hook(keep("memory")),
        memory_attention.register_forward_hook(keep("attention")),
    ]
    return stages, hooks


def followed(sam2, frames, prompt):
    """Return every stage of every frame of ours, under the same names."""
    stages, hooks = recorded_stages(sam2.memory.encoder, sam2.memory.attention)
    video, records = Sam2Video(sam2), []
    for index, seen in enumerate(frames):
        stages.clear()
        decoded = video.follow(seen) if index else video.start(seen, prompt)
        pointer = video._pointers[0] if index else video._first.pointer_1RE
        record = {
            "memory encoder": stages["memory"].flatten(2).transpose(1, 2),
            "pointer": pointer.flatten(),
            "masks": decoded.logits,
            "object score": decoded.presence.flatten(),
        }
        if index:
            record["memory attention"] = stages["attention"][0].flatten(1).T
        records.append(record)
    for hook in hooks:
        hook.remove()
    return records


def test_every_stage_of_every_frame_is_that_of_transformers(sam2, frames, oracle, monkeypatch):
    # Both round what they remember, where the last bit decides between two far neighbours.
    monkeypatch.setattr(torch, "bfloat16", torch.float32)
    ours, theirs = followed(sam2, *frames), films_of(oracle, *frames)
    scores = [record["object score"].item() for record in ours]
    assert min(scores) < 0 < max(scores)  # an object that is there, and one that is not
    worst = {}
    for own, other in zip(ours, theirs, strict=True):
        assert own.keys() == other.keys()
        for stage, values in own.items():
            assert values.shape == other[stage].shape, stage
            difference = (values - other[stage]).abs().max().item()
            worst[stage] = max(worst.get(stage, 0.0), difference)
    print(f"\nlargest difference in {FRAMES} frames, and the largest value:")
    # What is remembered comes back to the next frame: its rounding adds up, too.
    allowed = expected_error(torch.float32, layers=FRAMES * _LAYERS)
    for stage, difference in worst.items():
        size = max(float(record[stage].abs().max()) for record in ours if stage in record)
        print(f"  {stage:17s} {difference:.1e} of {size:.1f}")
        assert difference < WORST * allowed * max(size, 1.0)


def test_what_is_remembered_is_rounded_as_the_authors_round_it(sam2, frames, oracle):
    ours, theirs = followed(sam2, *frames), films_of(oracle, *frames)
    last = ours[-1]["memory attention"]
    torch.testing.assert_close(last, theirs[-1]["memory attention"], rtol=0, atol=1e-3)


def tensors_of(video):
    return [video._first.grid_1KE, video._first.pointer_1RE, *video._grids, *video._pointers]


def test_what_is_remembered_stops_growing(sam2, frames):
    seen, prompt = frames
    video = Sam2Video(sam2)
    video.start(seen[0], prompt)
    sizes = []
    for index in range(60):
        video.follow(seen[index % FRAMES])
        sizes.append(sum(tensor.nbytes for tensor in tensors_of(video)))
    assert sizes[0] < sizes[POINTERS - 2] == sizes[-1]
    assert len(video._grids) == SEGMENTER.memory.frames - 1


def test_pointing_again_forgets_everything_before(sam2, frames):
    seen, prompt = frames
    fresh, used = Sam2Video(sam2), Sam2Video(sam2)
    used.start(seen[3], -prompt)
    for frame in seen[4:9]:
        used.follow(frame)
    for video in (fresh, used):
        video.start(seen[0], prompt)
    torch.testing.assert_close(used.follow(seen[1]).logits, fresh.follow(seen[1]).logits)


def test_what_was_seen_and_the_order_of_frames_count(sam2, frames):
    seen, prompt = frames
    answers = []
    for order in ([1, 2], [2, 1], [1, 1]):
        video = Sam2Video(sam2)
        video.start(seen[0], prompt)
        for index in order:
            video.follow(seen[index])
        answers.append(video.follow(seen[5]).presence.item())
    assert len({round(answer, 6) for answer in answers}) == 3


def test_a_frame_without_the_object_has_no_mask(sam2, frames):
    for record in followed(sam2, *frames):
        is_empty = bool((record["masks"] == NO_OBJECT).all())
        assert is_empty == (record["object score"].item() <= 0)


def test_nothing_is_followed_before_something_was_pointed_at(sam2, frames):
    with pytest.raises(ValueError, match="before start"):
        Sam2Video(sam2).follow(frames[0][0])
