"""Files are written whole or not at all, and errors name what could not be written."""

import errno
import json
import subprocess
import sys

import numpy as np
import pytest

from evf_sam_ros.cli import main
from evf_sam_ros.pictures.photograph import write_image
from evf_sam_ros.whole_files import named, sentence, whole_file, write_bytes, write_text


def limited(script, *arguments, size=4096):
    """Run Python where no file can hold more than so many bytes, as on a disk that is full."""
    head = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))\n"
    command = [sys.executable, "-c", head + script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    return done.returncode, done.stderr


def test_what_is_written_is_there_and_nothing_else(tmp_path):
    path = tmp_path / "new folder" / "figures.json"
    write_text(path, "caf\u00e9")
    write_bytes(path, path.read_bytes() + b"!")
    assert path.read_text(encoding="utf-8") == "caf\u00e9!"
    assert list(path.parent.iterdir()) == [path]


def write_half(path, error):
    with whole_file(path) as partial:
        partial.write_text("half")
        raise error


def touch_alone(path, error):
    with named(path):
        path.touch()
        raise error


@pytest.mark.parametrize(
    "error", [ValueError("no"), KeyboardInterrupt(), OSError(errno.ENOSPC, "")]
)
def test_what_was_there_stays_when_writing_ends_early(tmp_path, error):
    path = tmp_path / "figures.json"
    path.write_text("before")
    with pytest.raises(type(error)):
        write_half(path, error)
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOSPC, "no room is left on the disk"),
        (errno.EROFS, "the file system can only be read"),
        (errno.ENOTCONN, "not connected"),
    ],
)
def test_the_file_and_the_reason_are_named(tmp_path, number, reason):
    path = tmp_path / "figures.json"
    with pytest.raises(OSError, match=f"^cannot write '{path}': .*{reason}"):
        touch_alone(path, OSError(number, ""))
    assert not path.exists()


def test_an_error_of_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, named(tmp_path / "out.json"):
        (tmp_path / "in.json").read_text()
    assert sentence(caught.value) == (
        f"cannot use '{tmp_path}/in.json': there is no such file or folder"
    )


def test_a_folder_that_is_a_file_is_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "figures.json"
    with pytest.raises(OSError, match=f"cannot write '{path}': "):
        write_text(path, "")


PICTURE = "import sys, numpy as np; from pathlib import Path; path = Path(sys.argv[1])\n"
WRITERS = {
    "a picture": (
        "m.png",
        "from evf_sam_ros.pictures.photograph import write_image\n"
        "write_image(path, np.random.default_rng(0).integers(0, 255, (99, 99, 3), np.uint8))",
    ),
    "figures": (
        "f.json",
        "from evf_sam_ros.whole_files import write_text; write_text(path, 'x' * 9999)",
    ),
    "lines": (
        "r.jsonl",
        "from evf_sam_ros.whole_files import named\n"
        "with named(path), path.open('w') as file:\n    file.write('x' * 9999)",
    ),
    "weights": (
        "model.safetensors",
        "import torch\nfrom safetensors.torch import save_file\n"
        "from evf_sam_ros.whole_files import whole_file\n"
        "with whole_file(path) as part:\n    save_file({'a': torch.zeros(9999)}, part)",
    ),
    "a checkpoint": (
        "state.pt",
        "import torch\nfrom evf_sam_ros.whole_files import whole_file\n"
        "with whole_file(path) as part:\n    torch.save({'a': torch.zeros(9999)}, part)",
    ),
}


@pytest.mark.parametrize("kind", WRITERS)
def test_a_full_disk_leaves_no_empty_file_and_names_the_one_it_could_not_write(tmp_path, kind):
    name, script = WRITERS[kind]
    code, said = limited(PICTURE + script, tmp_path / name)
    assert code == 1
    assert f"OSError: cannot write '{tmp_path / name}': " in said
    left = [path for path in tmp_path.iterdir() if path.name != name or not path.stat().st_size]
    assert left == []


def test_the_command_tells_it_in_one_sentence(tiny, tmp_path):
    write_image(tmp_path / "photo.png", np.zeros((48, 64, 3), np.uint8))
    script = "import sys; from evf_sam_ros.cli import main; sys.exit(main(sys.argv[1:]))"
    out = tmp_path / "out.png"
    code, said = limited(
        script,
        "segment",
        tmp_path / "photo.png",
        "the red mug",
        "-o",
        out,
        "--model",
        tiny,
        size=99,
    )
    assert code == 2
    assert said.splitlines()[-1] == (
        f"evf-sam: cannot write '{out}': it would be larger than files may be here"
    )
    assert not out.exists()


def test_an_error_of_the_system_is_a_sentence_on_the_command_line(tmp_path, capsys):
    folder = tmp_path / "own.json"
    folder.mkdir()
    (tmp_path / "data.json").write_text(json.dumps({"images": [], "annotations": []}))
    assert main(["evaluate", "--data", str(tmp_path / "data.json"), "--json", "/proc/x/y"]) == 2
    said = capsys.readouterr().err
    assert "Errno" not in said
    assert said.startswith("evf-sam: ")
