"""Photographs that go to a device by a staging buffer arrive whole, and are answered alike."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from evf_sam_ros.perception.predictor import load_predictor
from evf_sam_ros.perception.preprocess_upload import Upload

CPU = torch.device("cpu")


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def test_what_arrived_stays_when_the_buffer_is_used_again():
    upload = Upload(CPU)
    images = [noise(4, 6), noise(8, 9, 1), noise(2, 3, 2)]
    arrived = [upload(image) for image in images]
    for image, there in zip(images, arrived, strict=True):
        np.testing.assert_array_equal(there.numpy(), image)


def test_views_of_any_strides_are_taken():
    image = noise(6, 8)
    read_only = np.frombuffer(image.tobytes(), np.uint8).reshape(image.shape)
    for view in (image[..., ::-1], image[::2, 1:], read_only):
        np.testing.assert_array_equal(Upload(CPU)(view).numpy(), view)


class Event:
    """A stand-in for one of a GPU's: notes on whose stream it is recorded."""

    def __init__(self):
        self.recorded_on = []

    def synchronize(self):
        pass

    def record(self, stream):
        self.recorded_on.append(stream)


def test_the_end_of_a_copy_is_awaited_on_the_stream_of_its_own_device(monkeypatch):
    upload = Upload(CPU)
    upload._copied, upload._device = Event(), torch.device("meta")
    monkeypatch.setattr(torch.cuda, "current_stream", lambda device: f"stream of {device}")
    upload(noise(2, 3))
    assert upload._copied.recorded_on == ["stream of meta"]


def test_two_threads_do_not_share_the_buffer_at_a_time():
    upload, images = Upload(CPU), [noise(90, 160, seed) for seed in range(40)]
    with ThreadPoolExecutor(4) as threads:
        arrived = list(threads.map(upload, images))
    for image, there in zip(images, arrived, strict=True):
        np.testing.assert_array_equal(there.numpy(), image)


def test_other_than_bytes_is_refused():
    with pytest.raises(ValueError, match="float32, need uint8"):
        Upload(CPU)(np.zeros((2, 2, 3), np.float32))


@pytest.mark.usefixtures("one_thread")
def test_the_predictor_answers_alike_by_either_way(tiny):
    predict = load_predictor(tiny, device="cpu")
    images, prompts = [noise(30, 40), noise(50, 20, 1)], [["the red mug"], ["the red mug"]]
    expected = predict.batch(images, prompts)
    predict._upload = Upload(CPU)
    computed = predict.batch(images, prompts)
    for own, other in zip(expected, computed, strict=True):
        np.testing.assert_array_equal(own.logits, other.logits)
        np.testing.assert_array_equal(own.masks, other.masks)
