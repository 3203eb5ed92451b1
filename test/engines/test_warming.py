"""While a faster engine is made every image is answered, once, and by one engine alone."""

import logging
import threading

import torch
from test_lean import inputs, model_and_config, run

from evf_sam_ros.engines.warming import WarmingEngine
from evf_sam_ros.models.segmenter import Decoded

NOTHING = (torch.zeros(1, 1, 3), torch.zeros(1, 1, dtype=torch.long), None)


class Named:
    """An engine that only notes what it was asked; its features are its name."""

    def __init__(self, name):
        self.name = name
        self.decoded = []

    def encode(self, images):
        return self.name, int(images)

    def prompt(self, *_):
        return torch.zeros(1, 1, 4)

    def decode(self, features, prompts):
        owner, image = features
        assert owner == self.name
        self.decoded.append(image)
        return Decoded(torch.full((1, 1, 2, 2), float(image)), prompts[..., 0])


def answer(engine, image):
    features = engine.encode(torch.tensor(image))
    return int(engine.decode(features, engine.prompt(*NOTHING)).logits[0, 0, 0, 0])


def test_no_image_is_lost_or_answered_twice_while_engines_change_places():
    slow, fast, ready = Named("slow"), Named("fast"), threading.Event()
    engine = WarmingEngine(slow, lambda: ready.wait() and fast)
    answers = [answer(engine, image) for image in range(50)]
    between = engine.encode(torch.tensor(50))  # encoded by the one, decoded after the change
    ready.set()
    engine.wait()
    answers.append(int(engine.decode(between, engine.prompt(*NOTHING)).logits[0, 0, 0, 0]))
    answers += [answer(engine, image) for image in range(51, 100)]
    assert answers == list(range(100))
    assert slow.decoded == list(range(51))
    assert fast.decoded == list(range(51, 100))


def test_images_from_another_thread_are_answered_across_the_change():
    slow, fast, ready = Named("slow"), Named("fast"), threading.Event()
    engine = WarmingEngine(slow, lambda: ready.wait() and fast)
    answers, asked = [], threading.Event()

    def ask():
        for image in range(2000):
            answers.append(answer(engine, image))
            if image == 500:
                asked.set()

    thread = threading.Thread(target=ask)
    thread.start()
    asked.wait()
    ready.set()
    thread.join()
    assert answers == list(range(2000))
    assert slow.decoded + fast.decoded == answers


def test_where_the_faster_one_cannot_be_made_the_first_goes_on_and_says_so(caplog):
    model, config = model_and_config("efficient_sam")
    from evf_sam_ros.engines.engine import PlainEngine

    def fail():
        raise OSError(28, "No space left on device")

    engine = WarmingEngine(PlainEngine(model), fail)
    engine.wait()
    assert engine.name == "plain"
    assert run(engine, *inputs(config)).logits.isfinite().all()
    assert caplog.record_tuples[0][1] == logging.WARNING
    assert "No space left" in caplog.text
