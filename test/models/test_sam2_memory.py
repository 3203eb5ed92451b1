"""SAM-2's memory modules: what must hold whatever the weights."""

import pytest
import torch
from rounding import assert_same
from tiny_networks import randomised

from evf_sam_ros.models.sam2_memory import Memory, MemoryConfig, rotary_angles, rotated

CONFIG = MemoryConfig(width=8, depth=2, feed_forward=16, fuser_depth=2, frames=3)
POINTERS = 3


@pytest.fixture(scope="module")
def memory():
    torch.manual_seed(5)
    return randomised(Memory(CONFIG, 16)).eval()


def read(memory, remembered):
    generator = torch.Generator().manual_seed(6)
    grid, positions = torch.randn(2, 1, 16, 3, 4, generator=generator)
    with torch.no_grad():
        return memory.attention(grid, positions, remembered, 0.1 * remembered, POINTERS)


@pytest.fixture
def remembered():
    """Return two earlier grids of 3 x 4 cells and three pointers."""
    return torch.randn(1, 2 * 12 + POINTERS, 8, generator=torch.Generator().manual_seed(7))


def test_turning_keeps_lengths_and_tells_distances():
    angles = rotary_angles(5, 5, 16, torch.device("cpu"))
    one, other = torch.randn(2, 1, 1, 16)
    everywhere_one, everywhere_other = (rotated(t.expand(1, 25, 16), angles) for t in (one, other))
    torch.testing.assert_close(everywhere_one.norm(dim=-1), one.norm().expand(1, 25))
    products = (everywhere_one[0] @ everywhere_other[0].T).view(5, 5, 5, 5)
    torch.testing.assert_close(products[0, 0, 1, 2], products[3, 2, 4, 4])  # one down, two right
    assert (products[0, 0, 1, 2] - products[0, 0, 2, 1]).abs() > 1e-3


def test_neither_the_order_of_grids_nor_of_pointers_counts_but_the_place_does(memory, remembered):
    first, second, pointers = remembered.split([12, 12, POINTERS], 1)
    before = read(memory, remembered)
    swapped = read(memory, torch.cat([second, first, pointers.flip(1)], 1))
    assert_same(before, swapped)
    moved = read(memory, torch.cat([first.roll(1, 1), second, pointers], 1))
    assert (before - moved).abs().max() > 1e-4


def test_what_is_remembered_is_read(memory, remembered):
    assert (read(memory, remembered) - read(memory, -remembered)).abs().max() > 1e-3


def test_a_frame_and_its_mask_become_a_grid_of_the_memorys_width(memory):
    grid, mask = torch.randn(2, 16, 3, 4), torch.zeros(2, 1, 48, 64)
    with torch.no_grad():
        empty, full = memory.encoder(grid, mask), memory.encoder(grid, mask + 10)
    assert empty.shape == (2, 8, 3, 4)
    assert (empty - full).abs().max() > 1e-3
