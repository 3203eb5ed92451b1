"""`make docs`: the site builds, and a dead link or a name without a docstring stops it."""

import os
import runpy
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

pytest.importorskip("mkdocs", reason="pip install '.[docs]'")

ROOT = Path(__file__).parent.parent


def built(folder, *, config=ROOT / "mkdocs.yml"):
    command = [sys.executable, "-m", "mkdocs", "build", "--strict"]
    return subprocess.run(
        [*command, "--config-file", str(config), "--site-dir", str(folder)],
        cwd=config.parent, capture_output=True, text=True, env={**os.environ, "TERM": "dumb"},
    )  # fmt: skip


@pytest.fixture
def copied(tmp_path):
    """Copy what the site is made from, to break it; without the API, which takes long."""
    copytree(ROOT / "docs", tmp_path / "docs")
    (tmp_path / "docs" / "reference" / "api.md").write_text("# API reference\n")
    (tmp_path / "mkdocs.yml").write_text((ROOT / "mkdocs.yml").read_text())
    (tmp_path / "evf_sam_ros").symlink_to(ROOT / "evf_sam_ros")
    return tmp_path


def test_the_site_builds_and_shows_the_fields_of_an_answer(tmp_path):
    done = built(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    api = (tmp_path / "reference" / "api.html").read_text()
    assert "load_predictor" in api
    assert "(P, H, W), all False where not found" in api  # a comment beside a field


def test_a_dead_link_stops_the_build(copied):
    with (copied / "docs" / "index.md").open("a") as page:
        page.write("\n[nowhere](guides/missing.md)\n")
    done = built(copied / "site", config=copied / "mkdocs.yml")
    assert done.returncode != 0
    assert "guides/missing.md" in done.stdout + done.stderr


def test_a_page_that_is_in_no_menu_stops_the_build(copied):
    (copied / "docs" / "guides" / "forgotten.md").write_text("# Forgotten\n")
    done = built(copied / "site", config=copied / "mkdocs.yml")
    assert done.returncode != 0
    assert "forgotten.md" in done.stdout + done.stderr


def test_public_names_without_a_docstring_are_found(tmp_path):
    undocumented = runpy.run_path(str(ROOT / "docs" / "site_hooks.py"))["undocumented"]
    (tmp_path / "sample.py").write_text(
        '"""A module."""\n\n\nclass Told:\n    """A class."""\n\n    size = 1\n\n'
        "    @property\n    def bare(self):\n        return 1\n\n"
        "    def _private(self):\n        return 2\n\n\ndef plain():\n    return 3\n"
    )
    assert undocumented(["sample"], tmp_path) == ["sample.Told.bare", "sample.plain"]
