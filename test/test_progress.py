"""Progress as a terminal shows it and as a file keeps it."""

import io
import sys
from pathlib import Path

import evf_sam_ros
from evf_sam_ros.progress import progress

PACKAGE = Path(evf_sam_ros.__file__).parent


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_file_gets_the_first_and_the_last_state_of_quick_work_as_lines(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert list(progress(range(5000), "pictures", mininterval=1e6)) == list(range(5000))
    first, last = filter(None, sys.stderr.getvalue().split("\n"))
    assert first.startswith("pictures:   0%")
    assert last.startswith("pictures: 100%")
    assert "\r" not in sys.stderr.getvalue()


def test_work_that_takes_long_gets_a_line_for_each_interval(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    list(progress(range(3), "pictures", mininterval=0, miniters=1))
    lines = [line for line in sys.stderr.getvalue().split("\n") if line]
    assert [line.split("|")[2].split()[0] for line in lines] == ["0/3", "1/3", "2/3", "3/3", "3/3"]


def test_what_is_set_beside_the_bar_writes_no_line_of_its_own(monkeypatch):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with progress(total=100, mininterval=1e6) as bar:
        for number in range(100):
            bar.set_description(f"run {number}")
            bar.set_postfix(loss=number)
            bar.set_postfix_str(f"loss {number}")
            bar.update()
    first, last = filter(None, sys.stderr.getvalue().split("\n"))
    assert "0/100" in first
    assert last.startswith("run 99: 100%")
    assert "loss 99" in last


def test_a_terminal_sees_one_bar_drawn_over_itself(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Terminal())
    list(progress(range(3), "pictures"))
    assert sys.stderr.getvalue().count("\n") == 1
    assert "\r" in sys.stderr.getvalue()


def test_every_bar_of_the_package_is_made_by_this_function():
    users = [path for path in PACKAGE.rglob("*.py") if "from tqdm" in path.read_text()]
    assert users == [PACKAGE / "progress.py"]
