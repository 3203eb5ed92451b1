"""`evf-sam completion` and `evf-sam --version`, as a shell sees them."""

import shutil
import subprocess

import pytest

import evf_sam_ros
from evf_sam_ros import cli

ASK = """
source "$1"
work=$(complete -p evf-sam | sed -E 's/.*-F ([^ ]+) .*/\\1/')
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
"$work" evf-sam "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
echo "${COMPREPLY[@]}"
"""


@pytest.fixture
def completed(tmp_path, capsys):
    """Return what bash offers behind some words."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("needs bash")
    cli.main(["completion", "bash"])
    script = tmp_path / "completion.bash"
    script.write_text(capsys.readouterr().out)

    def ask(*words):
        command = [bash, "-c", ASK, "bash", str(script), *words]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path)
        return done.stdout.split()

    return ask


def test_a_subcommand_is_completed(completed):
    assert completed("evf-sam", "seg") == ["segment"]


def test_an_option_is_completed(completed):
    assert completed("evf-sam", "segment", "--prec") == ["--precision"]


def test_a_path_is_completed_from_the_files_that_are_there(completed, tmp_path):
    (tmp_path / "photograph.png").touch()
    assert completed("evf-sam", "segment", "photog") == ["photograph.png"]


def test_a_shell_that_is_not_known_is_refused_with_those_that_are(capsys):
    with pytest.raises(SystemExit):
        cli.main(["completion", "fish"])
    assert "bash" in capsys.readouterr().err


def test_the_version_is_that_of_the_package(capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out == f"evf-sam {evf_sam_ros.__version__}\n"
