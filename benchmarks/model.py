"""Time every step of a model by every engine, beside what the machine can do, and prove it right.

    python benchmarks/model.py [VARIANT ...] [--engines plain torch openvino] [--prompts 1 8]
    python benchmarks/model.py evf_sam --precision fp16 bf16 --against benchmarks/peers/eager \
        benchmarks/peers/transformers_sam --json benchmarks/results/evf_sam.json

Weights are random and the same for all; so are 16 pictures and 12 prompts, in rotation. A time
counts only if the answers agree with the model's as written, in float32, and if nothing was
compiled or recorded meanwhile; of others a row says so, and the exit status is 1. All run in turn
in one process: compare ratios. CPU time is of all threads, the best of the runs.

The table of goals at the end says which of them these figures reach. They are decided by the
worst round: by wall time on a GPU, by CPU time on a CPU.

--against DIR imports DIR/implementation.py and calls its `build(config, model, device, dtype)`
with a float32 model. It returns functions by the step they stand for: any of encode(images),
prompt(fusions, tokens, padding), frame(photograph, tokens, padding) and, beside the first two,
decode(features, prompts); and maybe a "note" of how it runs. What they give in float32 is compared
with the model's, too; on a CPU that is what they are timed in, whatever the engines run in.
"""

import argparse
import json
import sys
from dataclasses import asdict, replace
from datetime import datetime, timezone
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # runs without being installed

import torch

from benchmarks.timing.contender import STEPS
from benchmarks.timing.counters import counting
from benchmarks.timing.goals import verdicts
from benchmarks.timing.lengths import spreads
from benchmarks.timing.machine import commit as checkout
from benchmarks.timing.machine import processor, versions
from benchmarks.timing.memory import peaks
from benchmarks.timing.participants import Setting, participants
from benchmarks.timing.rows import Plan, rows
from benchmarks.timing.tables import text
from evf_sam_ros.cli.option_types import at_least
from evf_sam_ros.engines.engine import ENGINES
from evf_sam_ros.engines.exported.runtimes import RUNTIMES, is_installed
from evf_sam_ros.engines.measure import ceilings, is_gpu
from evf_sam_ros.models.sam import SamConfig
from evf_sam_ros.models.variants import VARIANTS, EvfSamConfig, is_bridge
from evf_sam_ros.perception.device import PRECISIONS, device_of

_ENGINES = tuple(
    name for name in ENGINES if name not in ("auto", "warming")
)  # which stand for others
_VARIANTS = tuple(name for name, config in VARIANTS.items() if not is_bridge(config))
_PACKAGES = ("torch", "transformers", "openvino", "triton")


def main(argv: list[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    arguments, device = _arguments(argv)
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    if is_gpu(device):
        torch.cuda.set_device(device)  # streams and events are those of the current one
    report = _empty_report(arguments, device)
    with counting() as counters:
        for variant, precision in product(arguments.variant, arguments.precision):
            config = _cut(VARIANTS[variant], arguments.depth)
            setting = Setting(
                variant, precision, config, device, arguments.engines, arguments.against,
                arguments.prompts, counters,
            )  # fmt: skip
            setting.tried("the whole case", partial(_measure, setting, arguments, report))
            report["failures"] += map(asdict, setting.failures)
            if arguments.json:  # after every case: the next may take an hour
                _write(report, arguments.json)
    print(text(report))
    right = all(row["passed"] and not row["compiled"] for row in report["rows"])
    return 0 if right and report["rows"] else 1


def _measure(setting: Setting, arguments: argparse.Namespace, report: dict[str, Any]) -> None:
    """Add a case to the report; memory first, while there is nothing else on the device."""
    if is_gpu(setting.device):
        report["memory"] += map(asdict, peaks(setting))
    taking_part = participants(setting)
    rate = report["ceilings"][setting.precision]["gflop_per_s"]
    plan = Plan(arguments.steps, arguments.rounds, arguments.frames, rate)
    report["rows"] += map(asdict, rows(setting, taking_part, plan))
    report["lengths"] += map(asdict, spreads(setting, taking_part, arguments.lengths))


def _empty_report(arguments: argparse.Namespace, device: torch.device) -> dict[str, Any]:
    # Of a GPU bf16 always: what others know about it is in that.
    precisions = dict.fromkeys([*arguments.precision, *(["bf16"] if is_gpu(device) else [])])
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="minutes"),
        "gpu": is_gpu(device),
        "machine": _machine(device, arguments.commit) | {"layers": arguments.depth or "all"},
        "ceilings": {name: asdict(ceilings(device, PRECISIONS[name])) for name in precisions},
        "rows": [],
        "lengths": [],
        "memory": [],
        "failures": [],
    }


def _write(report: dict[str, Any], file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    whole = report | {"goals": [asdict(each) for each in verdicts(report)]}
    file.write_text(json.dumps(whole, indent=1) + "\n", encoding="utf-8")


def _cut(config: EvfSamConfig, depth: int | None) -> EvfSamConfig:
    """Leave so many layers to both encoders, where they are counted."""
    if depth is None:
        return config
    segmenter: Any = config.segmenter
    if isinstance(segmenter, SamConfig):
        attention = tuple(block for block in segmenter.global_attention if block < depth)
        segmenter = replace(segmenter, depth=depth, global_attention=attention)
    elif hasattr(segmenter, "depth"):
        segmenter = replace(segmenter, depth=depth)
    return replace(config, encoder=replace(config.encoder, depth=depth), segmenter=segmenter)


def _machine(device: torch.device, commit: str | None) -> dict[str, Any]:
    return {
        "device": torch.cuda.get_device_name(device) if is_gpu(device) else processor(),
        "threads": torch.get_num_threads(),
        "commit": commit or checkout(),
        **versions(_PACKAGES),
        "cuda": torch.version.cuda or "none",
    }


def _arguments(argv: list[str] | None) -> tuple[argparse.Namespace, torch.device]:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("variant", nargs="*", default=["tabletop"], help=", ".join(_VARIANTS))
    parser.add_argument(
        "--engines", nargs="+", choices=_ENGINES,
        help="default: plain, torch and openvino on a CPU, all but openvino on a GPU",
    )  # fmt: skip
    parser.add_argument(
        "--prompts", nargs="+", type=at_least(1), default=[1, 8], help="per image (1 8)"
    )
    parser.add_argument(
        "--precision", nargs="+", choices=PRECISIONS,
        help="default: fp16 on a GPU, else fp32",
    )  # fmt: skip
    parser.add_argument("--steps", nargs="+", default=STEPS, choices=STEPS, help="default: all")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:N")
    parser.add_argument("--rounds", type=at_least(1), help="default: 6 on a GPU, else 10")
    parser.add_argument(
        "--frames", type=at_least(1), help="per round, each another picture: 16 on a GPU, else 1"
    )
    parser.add_argument(
        "--lengths", type=int, help="prompts of 1 to N tokens: 60 on a GPU, else 0"
    )
    parser.add_argument("--threads", type=int, help="of torch and OpenVINO (default: theirs)")
    parser.add_argument("--depth", type=int, help="only so many layers: a quick look at ratios")
    parser.add_argument(
        "--against", nargs="+", type=Path, default=[], metavar="DIR", help="others, see above"
    )
    parser.add_argument("--commit", help="to be noted where there is no git")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.variant) - set(_VARIANTS):
        parser.error(f"no variant {', '.join(sorted(unknown))}: need {', '.join(_VARIANTS)}")
    arguments.prompts = sorted(set(arguments.prompts))
    device = device_of(arguments.device)
    for name, value in _defaults(device).items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    return arguments, device


def _defaults(device: torch.device) -> dict[str, Any]:
    if is_gpu(device):
        engines = [name for name in _ENGINES if name not in RUNTIMES]
        return {
            "engines": engines, "precision": ["fp16"], "rounds": 6, "frames": 16, "lengths": 60,
        }  # fmt: skip
    engines = ["plain", "torch", *filter(is_installed, ("openvino", "onnxruntime"))]
    return {"engines": engines, "precision": ["fp32"], "rounds": 10, "frames": 1, "lengths": 0}


if __name__ == "__main__":
    sys.exit(main())
