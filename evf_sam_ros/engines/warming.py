"""An engine that answers at once, and switches to a faster one when that is ready."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from threading import Thread
from typing import Any

from torch import Tensor

from evf_sam_ros.models.segmenter import Decoded

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Encoded:
    """Features, and the engine that can decode them."""

    engine: Any
    features: Any


class WarmingEngine:
    """Two engines of one model; an image stays with the one that encoded it."""

    def __init__(self, first: Any, make: Callable[[], Any]) -> None:
        """Start making the other engine in a thread.

        Args:
            first: the engine that answers until then.
            make: returns the other engine, or None if it cannot be made.
        """
        self._engine = first
        self._thread = Thread(target=self._warm, args=(make,), name="warming", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """The name of the engine that the next image meets."""
        return self._engine.name

    def wait(self, timeout_s: float | None = None) -> None:
        """Return when the other engine is ready, or cannot be made, or the time is over."""
        self._thread.join(timeout_s)

    def encode(self, images_B3HW: Tensor) -> Encoded:
        engine = self._engine  # read once: it may change meanwhile
        return Encoded(engine, engine.encode(images_B3HW))

    def prompt(self, fusion_B3SS: Tensor, tokens_BPL: Tensor, padding_BPL: Tensor) -> Tensor:
        """Return one prompt per expression, (B, P, C): the same by either engine."""
        return self._engine.prompt(fusion_B3SS, tokens_BPL, padding_BPL)

    def decode(self, features: Encoded, prompts_BPC: Tensor) -> Decoded:
        return features.engine.decode(features.features, prompts_BPC)

    def _warm(self, make: Callable[[], Any]) -> None:
        try:
            self._engine = make()
        except Exception as error:  # whatever it is, the first engine goes on answering
            _log.warning("%s stays in use, making the faster engine failed: %s", self.name, error)
