"""Noise of stereo and time-of-flight cameras, added to a clean depth image."""

import cv2
import numpy as np
from numpy.typing import NDArray

EDGE_STEP = 0.04  # metres of depth curvature from which pixels fly between near and far
FLYING = 0.6  # share of edge pixels that do
HOLES = 0.04  # share of single pixels without a reading
PATCHES = 0.02  # share of blocks of 10 x 10 pixels without a reading
RESOLUTION = 0.001  # metres


def realistic_depth(
    depth_m: NDArray[np.floating], rng: np.random.Generator
) -> NDArray[np.float32]:
    """Add noise that grows with distance, flying pixels at edges, holes and rounding.

    Args:
        depth_m: (H, W), metres along the optical axis, without gaps.
        rng: the source of the noise.

    Returns:
        (H, W), metres; 0 marks a missing reading.
    """
    clean = depth_m.astype(np.float32)
    sigma = 0.001 + 0.0025 * clean**2
    noisy = clean + sigma * rng.standard_normal(clean.shape, dtype=np.float32)

    edges = np.abs(cv2.Laplacian(clean, cv2.CV_32F)) > EDGE_STEP
    flying = edges & (rng.random(clean.shape) < FLYING)
    noisy[flying] = cv2.blur(noisy, (3, 3))[flying]

    height, width = clean.shape
    blocks = (rng.random((-(-height // 10), -(-width // 10))) < PATCHES).astype(np.uint8)
    patches = cv2.resize(blocks, (width, height), interpolation=cv2.INTER_NEAREST) > 0
    rounded = np.round(noisy / RESOLUTION) * np.float32(RESOLUTION)
    rounded[patches | (rng.random(clean.shape) < HOLES)] = 0
    return rounded.astype(np.float32)
