"""What cameras do to a picture: exposure, white balance, contrast, blur, noise."""

import cv2
import numpy as np
from numpy.typing import NDArray


def augment(pixels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.float32]:
    """Return a disturbed copy, (H, W, 3), grey levels from 0 to 255."""
    picture = pixels.astype(np.float32)
    gain = rng.uniform(0.7, 1.3) * rng.uniform(0.94, 1.06, 3)
    contrast = rng.uniform(0.8, 1.2)
    middle = picture[::8, ::8].mean()
    picture = picture * (gain * contrast).astype(np.float32) + np.float32(middle * (1 - contrast))
    if rng.random() < 0.25:
        picture = cv2.GaussianBlur(picture, (3, 3), rng.uniform(0.3, 0.9))
    if rng.random() < 0.4:
        noise = rng.standard_normal(picture.shape[:2], dtype=np.float32)
        picture += noise[..., None] * np.float32(rng.uniform(0, 8))
    return np.clip(picture, 0, 255)
