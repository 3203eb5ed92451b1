"""Measure what loading model folders costs: CPU time, anonymous memory, memory that is the file.

    python benchmarks/loading.py FOLDER... [--json FILE]
    python benchmarks/loading.py --make evf_effisam_b FOLDER    write random weights there

Every folder is loaded in a process of its own, from the page cache. Anonymous memory is what only
this process has and the system can but swap; what is mapped of a file it may drop and read again.
CPU time is what to compare on a machine that others use as well.
"""

import argparse
import json
import os
import sys
import time
from copy import deepcopy
from pathlib import Path
from threading import Event, Thread

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import torch

from benchmarks.timing.machine import memory_mb
from evf_sam_ros.models import checkpoint
from evf_sam_ros.models.config_document import document_from_config
from evf_sam_ros.models.evf_sam import EvfSam
from evf_sam_ros.models.variants import VARIANTS, EvfSamConfig, build
from evf_sam_ros.perception.model_folder import model_folder

ROUNDS = 5
KINDS = ("RssAnon", "RssFile")  # of memory: its own, and pages of files
SAMPLE_S = 0.005
TOKENS = 8
COLUMNS = {
    "load_cpu_s": "load, CPU s",
    "peak_anonymous_mb": "peak of anonymous memory, MB",
    "anonymous_mb": "anonymous afterwards, MB",
    "use_cpu_s": "every weight read once, CPU s",
    "used_anonymous_mb": "then anonymous, MB",
    "used_file_mb": "then of the file, MB",
    "prompt_cpu_ms": "step `prompt`, CPU ms",
    "copied_prompt_cpu_ms": "from copied weights, CPU ms",
}


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--make", choices=VARIANTS, help="write random weights instead")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    arguments = parser.parse_args(argv)
    if arguments.make:
        make(arguments.make, arguments.folders[0])
        return 0
    torch.set_num_threads(1)  # a child has no other
    checkpoint.load(model_folder(None))  # what the libraries take once is not counted
    figures = {folder.name: in_a_child(folder) for folder in arguments.folders}
    print("| | " + " | ".join(COLUMNS.values()) + " |\n" + "| --- " * (len(COLUMNS) + 1) + "|")
    for name, row in figures.items():
        print(f"| {name} | " + " | ".join(f"{row[column]:.3g}" for column in COLUMNS) + " |")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def make(variant: str, folder: Path) -> None:
    """Write the same random weights in both precisions and formats."""
    torch.manual_seed(0)
    config = VARIANTS[variant]
    model = build(config)
    for precision, dtype in (("float32", torch.float32), ("float16", torch.float16)):
        checkpoint.save(model, config, folder / f"{precision} safetensors", dtype=dtype)
        pickled = folder / f"{precision} bin"
        pickled.mkdir(exist_ok=True)
        document = {checkpoint.CONFIG_KEY: document_from_config(config)}
        (pickled / checkpoint.CONFIG).write_text(json.dumps(document))
        state = {name: tensor.to(dtype) for name, tensor in model.state_dict().items()}
        torch.save(state, pickled / "pytorch_model.bin")


def in_a_child(folder: Path) -> dict[str, float]:
    """Measure in a copy of this process, so that no folder profits from another."""
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            os.write(write, json.dumps(measured(folder)).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read) as answer:
        return json.loads(answer.read())


def measured(folder: Path) -> dict[str, float]:
    """Load, then read every weight, then run the step that reads most of them."""
    for path in folder.iterdir():
        path.read_bytes()  # into the page cache
    before = memory_mb("self", KINDS)
    with Watch() as watch:
        start_s = time.thread_time()
        loaded = checkpoint.load(folder)
        figures = {"load_cpu_s": time.thread_time() - start_s}
    after = memory_mb("self", KINDS)
    start_s = time.thread_time()
    for tensor in loaded.model.state_dict().values():
        tensor.sum()
    figures["use_cpu_s"] = time.thread_time() - start_s
    used = memory_mb("self", KINDS)
    return {
        **figures,
        "peak_anonymous_mb": watch.most_mb - before["RssAnon"],
        "anonymous_mb": after["RssAnon"] - before["RssAnon"],
        "used_anonymous_mb": used["RssAnon"] - before["RssAnon"],
        "used_file_mb": used["RssFile"] - before["RssFile"],
        **prompt_ms(loaded.model, loaded.config),
    }


def prompt_ms(model: EvfSam, config: EvfSamConfig) -> dict[str, float]:
    """Time one step from the weights as they were loaded and from a copy, in turn."""
    models = {"prompt_cpu_ms": model, "copied_prompt_cpu_ms": deepcopy(model)}
    tokens = torch.full((1, 1, TOKENS), 5)
    inputs = (
        torch.zeros(1, 3, *config.fusion_input.size),
        tokens,
        torch.zeros_like(tokens, dtype=torch.bool),
    )
    times: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(ROUNDS):
        for name, each in models.items():
            start_s = time.thread_time()
            with torch.inference_mode():
                each.prompt(*inputs)
            times[name].append(1e3 * (time.thread_time() - start_s))
    return {name: min(own) for name, own in times.items()}


class Watch:
    """The most anonymous memory that this process has meanwhile."""

    def __enter__(self) -> "Watch":
        self.most_mb = memory_mb("self", KINDS)["RssAnon"]
        self._ended = Event()
        self._thread = Thread(target=self._look)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._ended.wait(SAMPLE_S):
            self.most_mb = max(self.most_mb, memory_mb("self", KINDS)["RssAnon"])


if __name__ == "__main__":
    sys.exit(main())
