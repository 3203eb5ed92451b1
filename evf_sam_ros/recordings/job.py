"""One recording to answer on: everything that a process needs to know, and its outcome."""

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from evf_sam_ros.perception.defaults import DEPTH_SYNC_SLOP_S
from evf_sam_ros.perception.judgement import DEFAULT_RULES, Rules
from evf_sam_ros.perception.predictor import Predictor
from evf_sam_ros.perception.registration import AS_TOLD, Registration
from evf_sam_ros.recordings import topics
from evf_sam_ros.recordings.coco_export import CocoExport
from evf_sam_ros.recordings.opening import Recording, open_recording
from evf_sam_ros.recordings.replay import ReplayOptions, replay
from evf_sam_ros.recordings.report import write_report


@dataclass(frozen=True)
class Job:
    """A recording, its topics and what is asked, named as the options of `evf-sam bag`."""

    recording: Path
    output: Path
    expressions: tuple[str, ...]
    image: str = ""
    depth: str = ""
    camera_info: str = ""
    frames_from_tf: bool = False  # register depth by /tf_static
    slop_s: float = DEPTH_SYNC_SLOP_S
    registration: Registration = AS_TOLD
    rules: Rules = DEFAULT_RULES  # without a threshold: the model's own is used
    up: tuple[float, float, float] | None = None
    every: int = 1
    limit: int | None = None
    export: str = ""  # "coco", or nothing
    export_score: float = 0.9


@dataclass(frozen=True)
class Outcome:
    """Result of one recording."""

    frames: int
    found: Mapping[str, int]  # frames in which an expression was found
    page: str  # path of its report
    notes: tuple[str, ...] = ()  # on what is missing of the recording
    exported: str = ""  # a sentence on the data set


def chosen_topics(reader: Recording, job: Job) -> topics.Chosen:
    """Return the topics of an open recording.

    Raises:
        ValueError: there is none, or more than one could be meant.
    """
    held = topics.topics_of(reader)
    chosen = topics.choose(held, job.image, job.depth, job.camera_info)
    return topics.with_frames(chosen, held) if job.frames_from_tf else chosen


def run_job(job: Job, load: Callable[[], Predictor]) -> Outcome:
    """Answer on every frame; write answers and a report to the job's folder.

    Args:
        job: the recording and what is asked.
        load: gives the model; called once the recording is known to be readable.

    Raises:
        ValueError: the recording cannot be read, or has no such topic.
    """
    with closing(open_recording(job.recording)) as reader:
        chosen = chosen_topics(reader, job)
        predict = load()
        export = None
        if job.export:
            export = CocoExport(job.output / job.export, predict.name, job.export_score)
        options = ReplayOptions(
            job.expressions,
            slop_s=job.slop_s,
            registration=job.registration,
            rules=replace(job.rules, threshold=predict.score_threshold),
            up=job.up,
            every=job.every,
            limit=job.limit,
            export=export,
        )
        summary = replay(predict, reader, chosen, options, job.output)
    facts = {
        "recording": job.recording.name,
        "images": str(chosen.image),
        "depth": str(chosen.depth or "none"),
        "camera_info": str(chosen.info or "none"),
        "rectified": "yes, by the topic's name" if chosen.rectified else "no",
        "model": f"{predict.name} ({predict.precision} on {predict.device})",
    }
    if reader.notes:
        facts["incomplete"] = "; ".join(reader.notes)
    page = write_report(job.output, facts, summary)
    exported = ""
    if export is not None:
        exported = f"data set: {export.close()}; {export.left_out} unsure answers left out"
    return Outcome(
        len(summary.records),
        {each: summary.count(each) for each in job.expressions},
        str(page),
        tuple(reader.notes),
        exported,
    )
