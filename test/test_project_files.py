"""Files that tools outside this machine read: hosted CI, templates, citation, changelog, sdist."""

import re
import runpy
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GITHUB = ROOT / ".github"
SCHEMAS = {
    "vendor.github-workflows": "workflows/*.yml",
    "vendor.github-issue-forms": "ISSUE_TEMPLATE/[!c]*.yml",
    "vendor.github-issue-config": "ISSUE_TEMPLATE/config.yml",
}
SAMPLE = """\
# Changelog

## [Unreleased]

### Added

- Not yet.

## [0.2.0] - 2026-12-24

### Fixed

- A [link](docs/x.md) and `code`,
  on two lines.

## [0.1.0] - 2026-11-01

### Added

- All.
"""


def violations(schema, *files):
    """Return what a published schema objects to, empty if nothing."""
    pytest.importorskip("check_jsonschema", reason="pip install '.[dev]'")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema]
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True)
    return done.stdout + done.stderr if done.returncode else ""


def workflow():
    return pytest.importorskip("yaml").safe_load((GITHUB / "workflows" / "ci.yml").read_text())


@pytest.mark.parametrize("schema", SCHEMAS)
def test_the_files_for_github_fit_their_schema(schema):
    files = sorted(GITHUB.glob(SCHEMAS[schema]))
    assert files
    assert not violations(schema, *files)


def test_the_citation_fits_its_schema():
    assert not violations("vendor.citation-file-format", ROOT / "CITATION.cff")


def test_a_workflow_with_a_misspelt_key_does_not_fit(tmp_path):
    text = (GITHUB / "workflows" / "ci.yml").read_text()
    (tmp_path / "ci.yml").write_text(text.replace("runs-on:", "runson:", 1))
    assert "runson" in violations("vendor.github-workflows", tmp_path / "ci.yml")


def test_hosted_ci_calls_the_script_of_ours_on_every_python_and_ros_that_we_name():
    jobs = workflow()["jobs"]
    assert jobs["python"]["strategy"]["matrix"]["python"] == ["3.10", "3.11", "3.12", "3.13"]
    assert jobs["ros"]["strategy"]["matrix"]["ros"] == ["humble", "jazzy", "kilted", "lyrical"]
    for name in ("python", "ros"):
        assert ".ci/run" in [step.get("run") for step in jobs[name]["steps"]], name
    classifiers = (ROOT / "pyproject.toml").read_text()
    for version in jobs["python"]["strategy"]["matrix"]["python"]:
        assert f"Python :: {version}" in classifiers


def test_hosted_ci_names_only_targets_and_files_that_are_there():
    text = (GITHUB / "workflows" / "ci.yml").read_text()
    targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for target in re.findall(r"run: make ([\w-]+)", text):
        assert target in targets
    for name in re.findall(r"^\s+(\S+\.(?:txt|toml))$", text, re.MULTILINE):
        assert (ROOT / name).is_file()


def test_pre_commit_runs_programs_that_make_setup_installs():
    hooks = pytest.importorskip("yaml").safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    entries = [hook["entry"] for repository in hooks["repos"] for hook in repository["hooks"]]
    assert {entry.split()[0] for entry in entries} == {
        ".venv/bin/ruff", ".venv/bin/mypy", ".venv/bin/python",
    }  # fmt: skip


def changelog_rst():
    return runpy.run_path(str(ROOT / "docs" / "changelog_rst.py"))["converted"]


def test_a_changelog_becomes_one_that_catkin_reads(tmp_path):
    changelog = pytest.importorskip("catkin_pkg.changelog", reason="comes with ROS")
    pytest.importorskip("docutils")
    (tmp_path / "CHANGELOG.rst").write_text(changelog_rst()(SAMPLE))
    read = changelog.get_changelog_from_path(str(tmp_path), "evf_sam_ros")
    assert {version for version, _, _ in read.foreach_version()} == {"0.2.0", "0.1.0"}
    assert read.get_date_of_version("0.2.0").strftime("%Y-%m-%d") == "2026-12-24"
    (item,) = read.get_content_of_version("0.2.0")
    assert " ".join(item.as_txt().split()) == "* Fixed: A link and ``code``, on two lines."


def test_a_version_without_a_date_is_refused():
    with pytest.raises(ValueError, match=r"0\.3\.0 has no date"):
        changelog_rst()("## [0.3.0]\n\n### Added\n\n- x\n")


def test_the_changelog_for_bloom_is_the_one_that_is_made_from_ours():
    made = changelog_rst()((ROOT / "CHANGELOG.md").read_text())
    assert (ROOT / "CHANGELOG.rst").read_text() == made, (
        "run: python docs/changelog_rst.py --update CHANGELOG.rst"
    )


def test_a_source_distribution_builds_the_same_wheel_as_the_source_tree(tmp_path):
    pytest.importorskip("build", reason="pip install '.[dev]'")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(tmp_path)]
    environment = {"PATH": str(tmp_path), "EVF_SAM_ROS_MESSAGES": "0"}
    subprocess.run([*command, str(ROOT)], env=environment, check=True, capture_output=True)
    (archive,) = tmp_path.glob("evf_sam_ros-*.tar.gz")
    assert list(tmp_path.glob("evf_sam_ros-*-py3-none-any.whl"))
    with tarfile.open(archive) as files:
        names = {name.partition("/")[2] for name in files.getnames()}
    needed = {"CMakeLists.txt", "package.xml", "setup.py", "constraints.txt", "CHANGELOG.rst"}
    for folder in ("msg", "srv", "action", "config", "launch"):
        needed |= {
            str(path.relative_to(ROOT))
            for path in (ROOT / folder).rglob("*")
            if path.is_file() and "__pycache__" not in path.parts
        }
    assert needed <= names
