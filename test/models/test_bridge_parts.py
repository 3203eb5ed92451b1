"""Each part of the bridge against a formula, a loop or a case done by hand."""

import math

import pytest
import torch
from rounding import assert_same
from tiny_bridge import QUERIES
from torch.nn import functional

from evf_sam_ros.models.bridge.config import PixelDecoderConfig
from evf_sam_ros.models.bridge.deformable import DeformableAttention, cell_centres, sample_levels
from evf_sam_ros.models.bridge.pixel_decoder import PixelDecoder
from evf_sam_ros.models.bridge.pwam import PixelWordAttention
from evf_sam_ros.models.bridge.pyramid import FeaturePyramid, grid_sines
from evf_sam_ros.models.bridge.queries import NoTarget, QueryModule, hidden_places

SIZES = ((2, 3), (4, 5))


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


def bilinear(grid, x, y):
    """Read grid[row][column] at (x, y), 0 to 1 over the picture; zeros lie outside."""
    height, width = grid.shape[:2]
    column, row = x * width - 0.5, y * height - 0.5
    total = torch.zeros(grid.shape[2])
    for r in (math.floor(row), math.floor(row) + 1):
        for c in (math.floor(column), math.floor(column) + 1):
            if 0 <= r < height and 0 <= c < width:
                total += (1 - abs(row - r)) * (1 - abs(column - c)) * grid[r, c]
    return total


def test_deformable_attention_is_a_weighted_sum_of_points_read_one_by_one():
    pictures, queries, heads, points, width = 2, 3, 2, 2, 4
    layer = DeformableAttention(width, len(SIZES), heads, points)
    for weight in layer.parameters():
        torch.nn.init.normal_(weight, std=0.7)  # points far apart, some outside
    asked = torch.randn(pictures, queries, width)
    places = torch.rand(queries, 2)
    values = torch.randn(pictures, sum(h * w for h, w in SIZES), width)
    with torch.no_grad():
        answer = layer(asked, places, values, SIZES)
        offsets = layer.offsets(asked).view(pictures, queries, heads, len(SIZES), points, 2)
        weights = layer.weights(asked).view(pictures, queries, heads, -1).softmax(-1)
        weights = weights.view(pictures, queries, heads, len(SIZES), points)
        projected = layer.value(values).view(pictures, -1, heads, width // heads)
        expected = torch.zeros(pictures, queries, heads, width // heads)
        for n in range(pictures):
            for q in range(queries):
                for head in range(heads):
                    start = 0
                    for level, (height, columns) in enumerate(SIZES):
                        part = projected[n, start : start + height * columns, head]
                        grid = part.view(height, columns, -1)
                        start += height * columns
                        for point in range(points):
                            dx, dy = offsets[n, q, head, level, point].tolist()
                            x = places[q, 0].item() + dx / columns
                            y = places[q, 1].item() + dy / height
                            share = weights[n, q, head, level, point]
                            expected[n, q, head] += share * bilinear(grid, x, y)
        expected = layer.output(expected.flatten(2))
    assert_same(answer, expected)


def test_a_point_on_the_centre_of_a_cell_reads_that_cell_of_its_level():
    centres = cell_centres(SIZES, torch.zeros(1))
    assert centres.shape == (26, 2)
    torch.testing.assert_close(centres[1], torch.tensor([0.5, 0.25]))  # row 0, column 1 of 2 x 3
    values = torch.arange(26.0).view(1, 26, 1, 1)
    points = centres[None, :, None, None, None].expand(1, 26, 1, 2, 1, 2)
    second_only = torch.tensor([0.0, 1.0]).view(1, 1, 1, 2, 1).expand(1, 26, 1, 2, 1)
    read = sample_levels(values, SIZES, points, second_only)[0, :, 0]
    torch.testing.assert_close(read[6:], torch.arange(6.0, 26.0))


def test_pixel_word_attention_is_its_formula_place_by_place():
    layer = PixelWordAttention(5, 4, 6)
    picture, words = torch.randn(2, 5, 3, 2), torch.randn(2, 4, 4)
    padding = torch.tensor([[False, False, False, False], [False, False, True, True]])

    def norm(columns):  # of each channel over all places
        mean, variance = columns.mean(0), columns.var(0, unbiased=False)
        return (columns - mean) / (variance + 1e-5).sqrt()

    with torch.no_grad():
        fused = layer(picture, words, padding)
        for n in range(2):
            places = picture[n].flatten(1).T
            said = words[n][~padding[n]]
            query, key, value = norm(layer.query(places)), layer.key(said), layer.value(said)
            read = torch.stack(
                [sum(a * v for a, v in zip((key @ q / 6**0.5).softmax(0), value, strict=True))
                 for q in query]
            )  # fmt: skip
            expected = (layer.picture(places).relu() * norm(layer.read(read))).matmul(
                layer.fused.weight.T
            ) + layer.fused.bias
            assert_same(fused[n].flatten(1).T, expected.relu())


def test_the_pyramid_has_the_sizes_that_were_asked_for_and_pools_the_strongest():
    pyramid = FeaturePyramid(8, 4, (0.25, 0.5, 1, 2))
    grid = torch.randn(1, 8, 4, 8)
    assert [tuple(level.shape) for level in pyramid(grid)] == [
        (1, 4, 1, 2), (1, 4, 2, 4), (1, 4, 4, 8), (1, 4, 8, 16)
    ]  # fmt: skip
    strongest = functional.max_pool2d(grid, 4).repeat_interleave(4, 2).repeat_interleave(4, 3)
    torch.testing.assert_close(pyramid(grid)[0], pyramid(strongest)[0])
    with pytest.raises(ValueError, match="scale is 3, need 4, 2, 1, 1/2"):
        FeaturePyramid(8, 4, (3,))


def test_sine_positions_are_those_of_detr_at_a_place_done_by_hand():
    sines = grid_sines(4, 8, 8, torch.zeros(1))
    assert sines.shape == (8, 4, 8)
    y, x = 2 * math.pi * 3 / 4, 2 * math.pi * 5 / 8  # row 2 and column 4, counted from 1
    slow = 10000 ** (2 / 4)
    by_hand = [
        math.sin(y), math.cos(y), math.sin(y / slow), math.cos(y / slow),
        math.sin(x), math.cos(x), math.sin(x / slow), math.cos(x / slow),
    ]  # fmt: skip
    assert_same(sines[:, 2, 4], torch.tensor(by_hand))


def test_the_pixel_decoder_lets_levels_read_each_other_and_keeps_their_sizes():
    decoder = PixelDecoder(32, PixelDecoderConfig(depth=2, heads=2, points=2, feed_forward=16))
    levels = [torch.randn(1, 32, 2, 3), torch.randn(1, 32, 4, 6), torch.randn(1, 32, 8, 12)]
    with torch.no_grad():
        dense, read = decoder(levels)
        other, _ = decoder([2 * levels[0].flip(3), *levels[1:]])
    assert [level.shape for level in read] == [level.shape for level in levels]
    assert dense.shape == levels[-1].shape
    assert (dense - other).abs().max() > 1e-4, "the coarsest level matters to the finest"


def test_a_query_looks_only_into_its_mask_and_everywhere_if_that_is_empty():
    masks = torch.full((1, 2, 4, 4), -1.0)
    masks[0, 0, :2, :2] = 1
    hidden = hidden_places(masks, (2, 2))
    assert hidden.tolist() == [[[False, True, True, True], [False] * 4]]


def test_what_queries_read_from_clip_moves_meanings_and_never_masks():
    module = QueryModule(32, 12, QUERIES)
    features = torch.randn(2, 32, 4, 4)
    sam = [torch.randn(2, 32, side, side) for side in (1, 2, 4)]
    clip = [torch.randn(2, 32, side, side) for side in (2, 4, 8)]
    with torch.no_grad():
        said = module(features, sam, clip)
        other = module(features, sam, [grid.flip(0) for grid in clip])
    assert len(said) == QUERIES.depth + 1
    assert said[0].masks_NQhw.shape == (2, 5, 4, 4)
    for one, two in zip(said, other, strict=True):
        torch.testing.assert_close(one.masks_NQhw, two.masks_NQhw)
    assert (said[-1].objects_NQC - other[-1].objects_NQC).abs().max() > 1e-3


def test_masks_that_hide_places_get_no_gradient_through_the_hiding():
    module = QueryModule(32, 12, QUERIES)
    grids = [torch.randn(1, 32, side, side) for side in (1, 2, 4)]
    module(torch.randn(1, 32, 4, 4), grids, grids)[-1].objects_NQC.sum().backward()
    assert all(weight.grad is None for weight in module.mask.parameters())
    assert module.clip[-1].cross.in_proj_weight.grad.abs().max() > 0


def test_similarity_is_a_scaled_cosine():
    module = QueryModule(4, 3, QUERIES)
    with torch.no_grad():
        module.to_sentences.weight.copy_(torch.eye(4))
        module.to_sentences.bias.zero_()
        module.sentence_temperature.fill_(math.log(2))
        objects = torch.tensor([[[1.0, 1, 0, 0]]])
        texts = torch.tensor([[3.0, 3, 0, 0], [5, 0, 0, 0], [0, 0, 1, 0]])
        logits = module.similar_sentences(objects, texts)
    torch.testing.assert_close(logits, torch.tensor([[[2.0, 2**0.5, 0.0]]]))


def test_one_sure_query_is_enough_to_say_that_there_is_a_target():
    branch = NoTarget(2)
    with torch.no_grad():
        for layer in (branch.votes[0], branch.votes[2]):
            layer.weight.copy_(torch.eye(2))
            layer.bias.zero_()
        logits = branch(torch.tensor([[[0.0, 1.0], [4.0, 0.0], [0.0, 2.0]]]))
    assert logits.tolist() == [[4.0, 2.0]]
