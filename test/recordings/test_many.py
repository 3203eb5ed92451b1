"""Several recordings: who answers changes no byte, what is done is not done again, and a death."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from written_bag import MS, write_bag

from evf_sam_ros.cli import main
from evf_sam_ros.recordings import many
from evf_sam_ros.recordings.job import Job

TEXT = "the red mugs"


def write_drive(path, frames=2, seed=0):
    def fill(bag):
        rng = np.random.default_rng(seed)
        for number in range(frames):
            picture = np.full((240, 320, 3), 60, np.uint8)
            picture[: rng.integers(50, 200)] += 100
            bag.image("/camera/image", number * 100 * MS, picture)

    return write_bag(path, fill)


@pytest.fixture
def week(tmp_path):
    """Three recordings: two of one name in folders of days, one deeper."""
    root = tmp_path / "week"
    for seed, name in enumerate(("monday/drive", "tuesday/drive", "tuesday/late/arm")):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_drive(root / name, frames=2 + seed, seed=seed)
    return root


def bag(tiny, out, recording, *options):
    return main(["bag", str(recording), TEXT, "-o", str(out), "--model", str(tiny), *options])


def answers(folder):
    """Return the bytes of every answer below a folder, by name."""
    kept = [path for path in folder.rglob("*") if path.suffix in (".jsonl", ".png", ".mp4")]
    return {str(path.relative_to(folder)): path.read_bytes() for path in kept}


def test_every_recording_in_a_folder_is_found_once_and_has_a_folder_of_its_own(week):
    found = many.recordings_in(week)
    assert [str(each.relative_to(week)) for each in found] == [
        "monday/drive", "tuesday/drive", "tuesday/late/arm",
    ]  # fmt: skip
    names = many.output_names(found)
    assert len(set(names)) == 3
    assert names[2] == "arm"
    assert names[0].endswith("week-monday-drive")
    assert many.recordings_in(found[0]) == [found[0]]


def test_processes_write_the_bytes_of_a_single_run_with_one_summary(tiny, week, tmp_path, capsys):
    serial, parallel = tmp_path / "serial", tmp_path / "parallel"
    assert bag(tiny, serial, week) == 0
    assert bag(tiny, parallel, week, "--workers", "2") == 0
    assert "3 of 3 recordings, 9 frames" in capsys.readouterr().out
    assert len(answers(serial)) == 3 * 2 + 9  # a file of lines and a film each, a mask a frame
    assert answers(serial) == answers(parallel)
    summary = (parallel / "summary.md").read_text()
    assert [line.split("|")[2].strip() for line in summary.splitlines() if "| drive" in line]
    assert "| arm | 4 | 4 |" in summary


def test_a_second_run_does_what_is_left_and_what_has_changed(tiny, week, tmp_path, monkeypatch):
    out, done = tmp_path / "out", []
    real = many.answer_one

    def watched(job, model):
        done.append(job.recording.name)
        return real(job, model)

    monkeypatch.setattr(many, "answer_one", watched)
    bag(tiny, out, week)
    assert len(done) == 3
    bag(tiny, out, week)
    assert len(done) == 3
    (out / "arm" / many.DONE).unlink()
    bag(tiny, out, week)
    assert done[3:] == ["arm"]
    bag(tiny, out, week, "--min-area", "65")
    assert len(done) == 7


def test_one_that_cannot_be_read_costs_itself_alone(tiny, week, tmp_path, capsys):
    broken = week / "wednesday"
    broken.mkdir()
    (broken / "part.mcap").write_bytes(b"this is no recording")
    assert bag(tiny, tmp_path / "out", week) == 2
    said = capsys.readouterr().out
    assert f"{broken}: " in said
    assert "3 of 4 recordings" in said


def test_a_folder_without_recordings_is_refused(tiny, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert bag(tiny, tmp_path / "out", tmp_path / "empty") == 2
    assert "holds no recording, need a rosbag2 folder" in capsys.readouterr().err


class DiesOnce:
    """A model whose first loading kills the process, as a lack of memory would."""

    seeks_rivals = True

    def __init__(self, mark: Path, tiny: Path, times: int) -> None:
        self.mark, self.tiny, self.times = mark, tiny, times

    def __repr__(self):
        return "dies once"

    def load(self):
        marks = list(self.mark.parent.glob(f"{self.mark.name}*"))
        if len(marks) < self.times:
            Path(f"{self.mark}{len(marks)}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return many.Model({"model": str(self.tiny), "device": "cpu"}).load()


@pytest.mark.parametrize(("deaths", "failed"), [(1, 0), (2, 1)])
def test_a_process_that_dies_costs_its_recording_another_try_and_nothing_else(
    deaths, failed, tiny, week, tmp_path
):
    recordings = many.recordings_in(week)
    jobs = [Job(each, tmp_path / "out" / str(n), (TEXT,)) for n, each in enumerate(recordings)]
    jobs[0].output.mkdir(parents=True)  # the first is begun when its process dies
    model = DiesOnce(tmp_path / "mark", tiny, deaths)
    results = dict(many._in_processes(jobs, model, 1))
    sentences = [each for each in results.values() if isinstance(each, str)]
    assert sentences == ["its process died 2 times"] * failed
    assert len(results) == 3
    for job in jobs:
        assert (job.output / many.DONE).exists() is (job is not jobs[0] or not failed)


def test_a_local_ray_of_two_workers_writes_the_bytes_of_a_single_run(tiny, week, tmp_path, capsys):
    ray = pytest.importorskip("ray")
    serial, spread = tmp_path / "serial", tmp_path / "spread"
    assert bag(tiny, serial, week) == 0
    context = ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    try:
        address = context.address_info["gcs_address"]
        assert bag(tiny, spread, week, "--ray", address) == 0
    finally:
        ray.shutdown()
    assert answers(serial) == answers(spread)
    assert json.loads((spread / "arm" / many.DONE).read_text())["outcome"]["frames"] == 4


def test_a_cluster_that_is_not_there_is_a_sentence(tiny, week, tmp_path, capsys):
    pytest.importorskip("ray")
    assert bag(tiny, tmp_path / "out", week, "--ray", "nonsense") == 2
    assert "no Ray cluster at 'nonsense'" in capsys.readouterr().err
