"""CUDA graphs: a model's kernels are recorded once per shape and launched together.

A BEIT-3-L is about a thousand kernels, and a fast GPU waits for the program that starts them. A
recorded step only replays for inputs of its shape, so prompts are filled up to a few lengths. The
first time a shape is seen the model runs as it is; the second time it is recorded, too, and the
recording compared with it. It is recorded with other numbers than those it is compared on: a
replay that ignores its inputs would repeat the answers that it was recorded with. A recording that
cannot be made, or that answers otherwise, is never used.

Shape suffixes: B images, P prompts per image, L tokens, C prompt width, H W image size,
S S fusion image size.
"""

import logging
from collections.abc import Callable, Sequence
from itertools import product
from threading import Lock
from typing import Any, Protocol

import torch
from torch import Tensor

from evf_sam_ros.engines.fusion import buckets, to_bucket
from evf_sam_ros.engines.measure import relative_error
from evf_sam_ros.engines.precision import autocast_dtype, uncached_autocast
from evf_sam_ros.engines.proof import question
from evf_sam_ros.engines.tensor_tuples import parts_of, whole_of
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.segmenter import Decoded
from evf_sam_ros.models.variants import EvfSamConfig

Tensors = tuple[Tensor, ...]
Step = Callable[..., Tensors]

MOST_RECORDINGS = 24  # each keeps its inputs and outputs on the device
MEETINGS = 2  # with a shape, until it is recorded
SAME = 1e-3  # relative L2 error; replayed kernels may sum in another order
MOST_WORDS = 64  # tokens of a prompt that is rehearsed; commands are far shorter
PROMPTS = (1, 2, 3, 4)  # per image: commands and their objects; more run as they are
SEED = 1  # of the questions: others than those of `proof`

_log = logging.getLogger(__name__)


class Recorder(Protocol):
    """Records a run without arguments; returns what repeats it, and the outputs that it fills."""

    def __call__(self, run: Callable[[], Tensors]) -> tuple[Callable[[], None], Tensors]: ...


_ONE_AT_A_TIME = Lock()  # of all recordings of a process: PyTorch's rule


class CudaRecorder:
    """CUDA graphs that share their memory: only one of them may run at a time.

    Libraries keep a workspace for every stream, and a graph uses that of the stream on which it
    was recorded, wherever it runs. So graphs that run beside each other need recorders of their
    own, each with its stream; PyTorch's own stream for recordings is one for all.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool = torch.cuda.graph_pool_handle()
        self._stream = torch.cuda.Stream(device)

    def __call__(self, run: Callable[[], Tensors]) -> tuple[Callable[[], None], Tensors]:
        # The outer `stream` restores the caller's, which a recording that fails leaves changed.
        with _ONE_AT_A_TIME, torch.cuda.device(self._device):
            caller = torch.cuda.current_stream()
            with torch.cuda.stream(caller):
                return self._recorded(run, caller)

    def _recorded(
        self, run: Callable[[], Tensors], caller: Any
    ) -> tuple[Callable[[], None], Tensors]:
        self._stream.wait_stream(caller)
        with torch.cuda.stream(self._stream):  # libraries set themselves up outside the recording
            run()
        caller.wait_stream(self._stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(
            graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"
        ):
            outputs = run()
        return graph.replay, outputs


class Recording:
    """One step for inputs of one shape."""

    def __init__(self, record: Recorder, step: Step, inputs: Tensors) -> None:
        """Record a step.

        Args:
            record: records the kernels that a function launches.
            step: the step of the model.
            inputs: tensors that give the shapes; their values are replaced by others.
        """
        self._inputs = tuple(other_than(part) for part in inputs)
        self._replay, self._outputs = record(lambda: step(*self._inputs))

    def __call__(self, inputs: Tensors) -> Tensors:
        """Return outputs of the caller's own."""
        for own, given in zip(self._inputs, inputs, strict=True):
            own.copy_(given)
        self._replay()
        return tuple(part.clone() for part in self._outputs)


def other_than(part: Tensor) -> Tensor:
    """Return a tensor of the same shape that differs wherever it can.

    Numbers are halved in reverse order. Tokens are reversed: each stays one that the vocabulary
    has. Padding stays: without a token to attend to, answers would not be numbers.
    """
    if part.dtype == torch.bool:
        return part.clone()
    reversed_part = part.flatten().flip(0).view(part.shape)
    return reversed_part / 2 if part.is_floating_point() else reversed_part.clone()


class GraphsEngine:
    """Another engine's steps, recorded."""

    def __init__(
        self,
        engine: Any,
        recorder: Callable[[], Recorder],
        max_tokens: int,
        name: str = "graphs",
    ) -> None:
        """Prepare to record an engine's steps.

        Args:
            engine: the engine whose steps are recorded.
            recorder: makes a recorder; the recordings of one recorder share memory.
            max_tokens: most tokens of an expression.
            name: the name that this engine reports.
        """
        self.name = name
        self._engine = engine
        record = recorder()
        # Prompts are replayed beside images (`side_by_side`): those two must not share memory.
        self._record = {"encode": record, "prompt": recorder(), "decode": record}
        self._max_tokens = max_tokens
        self._recordings: dict[Any, Recording | None] = {}  # None: seen, or not to be recorded
        self._refused: set[Any] = set()
        self._records = True
        self._kinds: dict[str, type] = {}
        self._lock = Lock()  # a recording has one set of inputs

    def finish(self) -> None:
        """Stop recording; shapes that were not recorded run without a graph."""
        self._records = False

    def encode(self, images_B3HW: Tensor) -> Any:
        return self._run("encode", self._engine.encode, images_B3HW)

    def prompt(self, fusion_B3SS: Tensor, tokens_BPL: Tensor, padding_BPL: Tensor) -> Tensor:
        """Return one prompt per expression, (B, P, C)."""
        words = to_bucket(tokens_BPL, padding_BPL, self._max_tokens)
        return self._run("prompt", self._engine.prompt, fusion_B3SS, *words)

    def decode(self, features: Any, prompts_BPC: Tensor) -> Decoded:
        """Return one mask per prompt."""
        kind = type(features)

        def decode(prompts_BPC: Tensor, *parts: Tensor) -> Decoded:
            return self._engine.decode(whole_of(kind, parts), prompts_BPC)

        return self._run("decode", decode, prompts_BPC, *parts_of(features))

    def _run(self, name: str, whole_step: Callable[..., Any], *inputs: Tensor) -> Any:
        def step(*inputs: Tensor) -> Tensors:
            value = whole_step(*inputs)
            self._kinds[name] = type(value)
            return parts_of(value)

        with self._lock, uncached_autocast(inputs[0].device):
            outputs = self._outputs(name, step, inputs)
        return whole_of(self._kinds[name], outputs)

    def _outputs(self, name: str, step: Step, inputs: Tensors) -> Tensors:
        key = (
            name,
            *((tuple(part.shape), part.dtype) for part in inputs),
            autocast_dtype(inputs[0].device),
        )
        recording = self._recordings.get(key)
        if recording is not None:
            return recording(inputs)
        outputs = step(*inputs)
        if not self._records:
            return outputs
        if key not in self._recordings:
            if len(self._recordings) < MOST_RECORDINGS:
                self._recordings[key] = None
        elif key not in self._refused:
            self._recordings[key] = self._recorded(name, step, inputs, outputs)
            if self._recordings[key] is None:
                self._refused.add(key)
        return outputs

    def _recorded(
        self, name: str, step: Step, inputs: Tensors, expected: Tensors
    ) -> Recording | None:
        try:
            recording = Recording(self._record[name], step, inputs)
            computed = recording(inputs)
        except RuntimeError as error:
            _log.warning("%s runs without a CUDA graph, recording failed: %s", name, error)
            return None
        errors = [relative_error(*pair) for pair in zip(expected, computed, strict=True)]
        if not all(each <= SAME for each in errors):  # not a number is not the same either
            _log.warning("%s runs without a CUDA graph, whose outputs differ by %s", name, errors)
            return None
        return recording


def rehearse(
    engine: Any,
    model: EvfSam,
    config: EvfSamConfig,
    dtype: torch.dtype,
    prompts: Sequence[int] = PROMPTS,
) -> None:
    """Ask an engine about one picture, with so many prompts of every bucket of words.

    Longer prompts than `MOST_WORDS` are not rehearsed: of 1022 tokens, eight buckets took minutes.
    """
    device = next(model.parameters()).device
    lengths = buckets(min(MOST_WORDS, config.encoder.max_tokens))
    enabled = dtype != torch.float32
    with torch.inference_mode(), torch.autocast(device.type, dtype, enabled=enabled):
        features = engine.encode(question(config, 1, 1, SEED)[0].to(device))
        for count, words in product(prompts, lengths):
            _, *rest = (part.to(device) for part in question(config, count, words, SEED))
            engine.decode(features, engine.prompt(*rest))
