"""Models by their Hugging Face id, with the real client library and a hub on this computer."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from fake_hub import REVISION, fake_hub
from huggingface_hub import constants
from tiny_model import write_tiny_model

from evf_sam_ros.perception import hub
from evf_sam_ros.perception.model_folder import model_folder, tokenizer_folder
from evf_sam_ros.perception.predictor import load_predictor

ROOT = Path(__file__).parents[2]
TINY = "someone/tiny"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    folder = write_tiny_model(tmp_path_factory.mktemp("tiny"))
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def server(files, tmp_path, monkeypatch):
    with fake_hub() as running:
        running.repositories[TINY] = {"README.md": b"# Tiny", **files}
        # The library reads its environment when it is first imported.
        monkeypatch.setattr(constants, "ENDPOINT", running.url)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            running.url + "/{repo_id}/resolve/{revision}/{filename}",
        )
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        yield running


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch):
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)


def test_a_model_that_is_not_here_is_not_asked_for_offline(server):
    with pytest.raises(ValueError, match=f"`evf-sam download {TINY}` fetches it"):
        load_predictor(TINY)
    assert server.requests == []


def test_a_model_is_downloaded_once_and_then_found_offline(server, files, capsys):
    predictor = load_predictor(TINY, offline=False)
    assert predictor.name == TINY
    assert f"{TINY}: {len(files)} files, " in capsys.readouterr().err
    assert server.asked_for("README.md") == []
    server.requests.clear()
    for offline in (True, False):
        assert model_folder(TINY, offline=offline).name == REVISION
    assert server.requests == []


def test_a_revision_may_be_named(server):
    assert hub.download(f"{TINY}@{REVISION}", print).name == REVISION
    assert hub.cached(f"{TINY}@{REVISION}") is not None
    with pytest.raises(ValueError, match="has no revision 'v9'"):
        hub.download(f"{TINY}@v9", print)


def test_a_connection_that_breaks_is_taken_up_where_it_broke(server, files, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1024)
    name = "model.safetensors"
    server.break_off[name] = 2
    folder = hub.download(TINY, print)
    assert (folder / name).read_bytes() == files[name]
    first, *again = server.asked_for(name)
    assert first is None
    starts = [int(wanted.removeprefix("bytes=").rstrip("-")) for wanted in again]
    half, rest = starts
    assert len(files[name]) / 2 - 1024 < half < rest < len(files[name])


def test_a_download_that_broke_off_is_not_taken_for_a_model(server, files):
    name = "model.safetensors"
    server.break_off[name] = 100
    with pytest.raises(ValueError, match=f"'{TINY}' could not be downloaded, try again later"):
        hub.download(TINY, print)
    assert hub.cached(TINY) is None
    with pytest.raises(ValueError, match="is not on this computer"):
        model_folder(TINY)
    server.break_off.clear()
    server.requests.clear()
    assert hub.find(TINY, offline=False) == hub.cached(TINY)
    assert server.asked_for("config.json") == [], "what was whole is kept"


def test_of_two_formats_only_the_safe_one_is_downloaded(server):
    server.repositories[TINY]["pytorch_model.bin"] = b"x" * 1000
    assert not (hub.download(TINY, print) / "pytorch_model.bin").exists()


def test_pickled_shards_are_downloaded_where_there_is_nothing_else(server, files):
    shards = {f"pytorch_model-0000{i}-of-00002.bin": b"x" for i in (1, 2)}
    index = b'{"weight_map": {"a": "pytorch_model-00001-of-00002.bin"}}'
    others = {"pytorch_model.bin.index.json": index, "tf_model.h5": b"y", "onnx/a.bin": b"z"}
    server.repositories[TINY] = {"config.json": files["config.json"], **shards, **others}
    folder = hub.download(TINY, print)
    expected = {"config.json", "pytorch_model.bin.index.json", *shards}
    assert {path.name for path in folder.iterdir()} == expected


def test_a_repository_without_a_model_is_refused_before_anything_is_downloaded(server):
    server.repositories[TINY] = {"README.md": b"", "data.csv": b""}
    with pytest.raises(ValueError, match=r"holds no model: need config\.json and weights"):
        hub.download(TINY, print)
    assert not any("resolve" in path for _, path, _ in server.requests)


def test_a_repository_of_bare_checkpoints_says_how_to_fetch_one_and_under_which_condition(server):
    server.repositories["Someone/DeRIS"] = {"README.md": b"", "b.pth": b"x", "a/l.pth": b"y"}
    with pytest.raises(ValueError, match=r"has the checkpoints a/l\.pth, b\.pth: fetch") as caught:
        hub.download("Someone/DeRIS", print)
    said = str(caught.value)
    assert "`hf download Someone/DeRIS a/l.pth --local-dir DIR`, put beit3.spm" in said
    assert said.endswith("under CC BY-NC 4.0 (a frozen Swin): not for commercial use")
    assert not any("resolve" in path for _, path, _ in server.requests)


def test_a_condition_of_the_weights_is_told_at_the_download(server, files):
    lines = []
    server.repositories["someone/deris-l"] = files
    hub.download("someone/deris-l", lines.append)
    hub.download(TINY, lines.append)
    assert [line for line in lines if "commercial" in line] == [
        "someone/deris-l: published weights of DeRIS contain weights of Mask2Former under "
        "CC BY-NC 4.0 (a frozen Swin): not for commercial use"
    ]


def test_an_unknown_and_a_gated_model_say_what_to_do(server):
    with pytest.raises(ValueError, match=r"no model https://huggingface\.co/someone/else, or it"):
        hub.download("someone/else", print)
    server.gated.add(TINY)
    with pytest.raises(ValueError, match=r"must be asked for at .* `hf auth login`"):
        hub.download(TINY, print)


def test_a_model_larger_than_the_disk_is_refused(server, monkeypatch):
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr(hub.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(ValueError, match=r"takes .* MB, but .* has 0\.0 MB left"):
        hub.download(TINY, print)


def test_without_a_network_one_sentence_says_so(server, monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ValueError, match="could not be downloaded, try again later") as caught:
        hub.download(TINY, print)
    assert "\n" not in str(caught.value)


def test_a_folder_wins_over_an_id(server, tmp_path, monkeypatch):
    write_tiny_model(tmp_path / "someone" / "tiny")
    monkeypatch.chdir(tmp_path)
    assert model_folder(TINY, offline=False) == tmp_path / "someone" / "tiny"
    assert load_predictor(TINY).name == "tiny"
    assert server.requests == []


@pytest.mark.parametrize("name", ["tabletop", "a/b/c", "/a/b", "./a/b", "../b", "~/b", "a/", ""])
def test_what_cannot_be_an_id_is_not_looked_up(name):
    assert not hub.is_hub_id(name)


def test_a_user_downloads_once_and_segments_without_a_network(server, tmp_path):
    """The whole way in processes of their own, where only the environment names the hub."""
    environment = {**os.environ, "HF_ENDPOINT": server.url, "HF_HOME": str(tmp_path / "home")}
    evf_sam = [sys.executable, "-m", "evf_sam_ros.cli"]
    run = partial(
        subprocess.run, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    fetched = run([*evf_sam, "download", TINY])
    assert fetched.returncode == 0, fetched.stderr
    assert Path(fetched.stdout.strip()).name == REVISION
    assert f"{TINY}: 3 files, " in fetched.stderr
    server.requests.clear()
    picture = np.indices((48, 64, 3), np.uint8)[0] * 5
    picture[10:30, 20:50] = 255  # an edge: a plain gradient is a covered lens
    cv2.imwrite(str(tmp_path / "photo.png"), picture)
    answered = run(
        [
            *evf_sam,
            "segment",
            tmp_path / "photo.png",
            "the mug",
            "--model",
            TINY,
            "--min-area",
            "1",
        ]
    )
    assert answered.returncode == 0, answered.stderr
    assert answered.stdout.startswith("the mug: ")
    assert server.requests == []


ADDED = {"added_tokens.json": b"{}", "tokenizer_config.json": b"{}"}


def test_the_files_that_number_added_tokens_are_downloaded(server, files):
    server.repositories[TINY] |= ADDED
    downloaded = {path.name for path in hub.download(TINY, print).iterdir()}
    assert downloaded == {*files, *ADDED}


def test_a_tokenizer_is_downloaded_without_the_weights_and_then_found_offline(server):
    server.repositories[TINY] |= ADDED
    with pytest.raises(ValueError, match=f"`evf-sam download {TINY} --tokenizer` fetches it"):
        tokenizer_folder(TINY)
    folder = tokenizer_folder(TINY, offline=False)
    assert {path.name for path in folder.iterdir()} == {"tokenizer.json", *ADDED}
    server.requests.clear()
    assert tokenizer_folder(TINY) == folder
    assert server.requests == []
    assert hub.cached(TINY) is None, "a tokenizer alone is not a model"


def test_a_repository_without_a_tokenizer_is_refused(server):
    del server.repositories[TINY]["tokenizer.json"]
    with pytest.raises(ValueError, match="holds no tokenizer: need one of sentencepiece"):
        tokenizer_folder(TINY, offline=False)


@pytest.mark.parametrize(
    "name", ["./a/b", "/a/b", "~/a", "a/b/c", "a/b.git", "a/b--c", "a/b..c", "ä/b", "a/b-", "a/b/"]
)
def test_what_cannot_be_an_id_is_never_proposed_for_download(name):
    assert not hub.is_hub_id(name)
    with pytest.raises(ValueError, match=f"no model '{name}': there is no folder") as raised:
        model_folder(name)
    assert "download" not in str(raised.value)


@pytest.mark.parametrize("name", ["a/b", "YxZhang/evf-sam2-multitask", "a.b/c_d@v1.0", "a/b@x/y"])
def test_what_can_be_an_id_is_proposed(name):
    with pytest.raises(ValueError, match=f"`evf-sam download {name}` fetches it"):
        model_folder(name)


def test_the_first_missing_folder_is_named_and_missing_content_is_another_sentence(tmp_path):
    with pytest.raises(ValueError, match=f"there is no folder '{tmp_path}/x'$"):
        model_folder(tmp_path / "x" / "y")
    with pytest.raises(ValueError, match=r"holds no model: there is no config\.json in it"):
        model_folder(tmp_path)
