"""Recordings as tools and accidents leave them: what is there is read, what is missing is said."""

import contextlib
import json
import shutil
import sqlite3

import numpy as np
import pytest
from rosbags.rosbag1 import Writer as Writer1
from rosbags.rosbag2 import CompressionFormat, CompressionMode
from rosbags.typesys import Stores, get_typestore
from written_bag import MS, write_bag

from evf_sam_ros.cli import main

IMAGE, DEPTH, INFO = "/camera/image_raw", "/camera/depth/image_raw", "/camera/camera_info"
START = 1_700_000_000_000 * MS
WIDTH, HEIGHT = 320, 240
CAMERA = [[300.0, 0, 160], [0, 300.0, 120], [0, 0, 1]]
FRAMES = 12


def frames(bag, first=0, last=FRAMES):
    """Write colour, depth and camera_info at 10 Hz; noise, which does not compress."""
    rng = np.random.default_rng(0)
    for number in range(first, last):
        stamp = START + number * 100 * MS
        bag.info(INFO, stamp, CAMERA, WIDTH, HEIGHT)
        bag.image(DEPTH, stamp, np.full((HEIGHT, WIDTH), 1500, np.uint16), "16UC1")
        bag.image(IMAGE, stamp, rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8))


@pytest.fixture(params=["sqlite3", "mcap"])
def bag(request, tmp_path):
    return write_bag(tmp_path / "drive", frames, request.param)


def part(bag):
    return next(each for each in bag.iterdir() if each.suffix != ".yaml")


def answered(tiny, path, capsys):
    """Return what the command said, and the frames that it answered with a place."""
    out = path.parent / "out"
    code = main(["bag", str(path), "the red mugs", "-o", str(out), "--model", str(tiny)])
    said = capsys.readouterr().err
    assert code in (0, 1), said
    assert "Traceback" not in said
    records = [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]
    assert all("error" not in record for record in records)
    return said, len(records)


def test_a_description_without_the_storage_is_done_without(tiny, bag, capsys):
    path = bag / "metadata.yaml"
    for name in ("mcap", "sqlite3"):
        path.write_text(
            path.read_text().replace(f"storage_identifier: {name}", 'storage_identifier: ""')
        )
    said, count = answered(tiny, bag, capsys)
    assert count == FRAMES
    assert "metadata.yaml has the storage_identifier ''" in said


@pytest.mark.parametrize("content", [None, b"", b"\x00\xff{", b"rosbag2_bagfile_information: 7"])
def test_a_description_that_is_not_there_or_broken_is_done_without(tiny, bag, capsys, content):
    path = bag / "metadata.yaml"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    said, count = answered(tiny, bag, capsys)
    assert count == FRAMES
    assert "`ros2 bag reindex` makes" in said


@pytest.mark.parametrize("share", [0.4, 0.9, 0.999])
@pytest.mark.parametrize("described", [True, False])
def test_a_file_that_is_cut_off_is_read_as_far_as_it_goes(tiny, bag, capsys, share, described):
    path = part(bag)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])
    if not described:
        (bag / "metadata.yaml").unlink()
    said, count = answered(tiny, bag, capsys)
    assert FRAMES * share - 3 <= count <= FRAMES  # chunks and pages of a frame or two are lost
    assert "cut off" in said


def test_an_mcap_file_cut_anywhere_gives_its_first_frames_or_a_sentence(tmp_path, tiny, capsys):
    whole = write_bag(tmp_path / "drive", frames, "mcap")
    content = part(whole).read_bytes()
    path = tmp_path / "cut.mcap"
    for size in np.linspace(0, len(content) - 1, 23, dtype=int):
        path.write_bytes(content[:size])
        code = main(["bag", str(path), "--list"])
        said = capsys.readouterr()
        assert code in (0, 2)
        assert ("cut off" in said.err) if code == 0 else (str(path) in said.err)


@pytest.mark.parametrize("place", [0.3, 0.6])
def test_a_hole_in_a_file_ends_the_reading_with_a_sentence(tiny, bag, capsys, place):
    path = part(bag)
    content = bytearray(path.read_bytes())
    begin = int(len(content) * place)
    content[begin : begin + 20_000] = b"\xa5" * 20_000
    path.write_bytes(content)
    out = bag.parent / "out"
    code = main(["bag", str(bag), "the red mugs", "-o", str(out), "--model", str(tiny)])
    said = capsys.readouterr().err
    assert code in (0, 1, 2), said
    lines = (out / "results.jsonl").read_text().splitlines() if code != 2 else []
    # SQLite and uncompressed chunks do not notice pixels that were overwritten.
    assert len(lines) == FRAMES or "evf-sam: " in said


def test_a_part_that_is_missing_is_named_and_the_others_are_read(tiny, bag, tmp_path, capsys):
    storage = "mcap" if part(bag).suffix == ".mcap" else "sqlite3"
    other = write_bag(tmp_path / "other", lambda b: frames(b, FRAMES, FRAMES + 3), storage)
    added = bag / f"drive_1{part(bag).suffix}"
    shutil.copyfile(part(other), added)
    path = bag / "metadata.yaml"
    name = part(bag).name if part(bag) != added else f"drive{added.suffix}"
    first = next(each.name for each in bag.iterdir() if each not in (added, path))
    text = path.read_text()
    lines = [line for line in text.splitlines() if line.strip() == f"- {first}"]
    path.write_text(text.replace(lines[0], f"{lines[0]}\n{lines[0].replace(first, added.name)}"))
    assert answered(tiny, bag, capsys)[1] == FRAMES + 3, name
    (bag / first).unlink()
    said, count = answered(tiny, bag, capsys)
    assert count == 3
    assert f"{first}, a part of the recording, is missing" in said


def test_an_empty_part_is_named(tiny, bag, capsys):
    (bag / f"drive_9{part(bag).suffix}").touch()
    (bag / "metadata.yaml").unlink()
    said, count = answered(tiny, bag, capsys)
    assert count == FRAMES
    assert f"drive_9{part(bag).suffix} is empty" in said


def test_what_a_recorder_had_not_written_back_is_read(tiny, tmp_path, capsys):
    whole = part(write_bag(tmp_path / "drive", frames, "sqlite3"))
    left = tmp_path / "left" / "left_0.db3"
    left.parent.mkdir()
    source = sqlite3.connect(whole)
    target = sqlite3.connect(left)
    target.execute("PRAGMA journal_mode=WAL")
    target.execute("PRAGMA wal_autocheckpoint=0")
    target.executescript("\n".join(source.iterdump()))
    target.commit()
    crashed = tmp_path / "crashed"
    shutil.copytree(left.parent, crashed)  # as after a power cut: the log is not written back
    target.close()
    assert (crashed / "left_0.db3-wal").stat().st_size > 1_000_000
    said, count = answered(tiny, crashed, capsys)
    assert count == FRAMES
    assert "left_0.db3 was not closed" in said


@pytest.mark.parametrize("mode", [CompressionMode.FILE, CompressionMode.MESSAGE])
@pytest.mark.parametrize("way", ["whole", "without description", "one file"])
def test_compressed_recordings_are_read(tiny, tmp_path, capsys, mode, way):
    path = write_bag(
        tmp_path / "drive", frames, "sqlite3", compression=(mode, CompressionFormat.ZSTD)
    )
    if way == "without description":
        (path / "metadata.yaml").unlink()
    assert answered(tiny, part(path) if way == "one file" else path, capsys)[1] == FRAMES


def test_a_compressed_file_that_is_cut_off_is_read_as_far_as_it_goes(tiny, tmp_path, capsys):
    path = write_bag(
        tmp_path / "drive",
        frames,
        "sqlite3",
        compression=(CompressionMode.FILE, CompressionFormat.ZSTD),
    )
    packed = part(path)
    packed.write_bytes(packed.read_bytes()[: packed.stat().st_size * 7 // 10])
    said, count = answered(tiny, path, capsys)
    assert 4 <= count < FRAMES
    assert f"{packed.name} is cut off or broken" in said


@pytest.mark.parametrize("name", ["a.mcap", "a.db3", "a.bag", "a.db3.zstd"])
@pytest.mark.parametrize("content", [b"", b"hello", bytes(5000), b"\x89MCAP0\r\n", b"SQLite for"])
def test_what_holds_nothing_is_one_sentence(tmp_path, capsys, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    assert main(["bag", str(path), "--list"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"evf-sam: '{path}' ")
    assert said.count("\n") == 1


def test_a_folder_without_a_recording_is_one_sentence(tmp_path, capsys):
    (tmp_path / "notes.txt").touch()
    assert main(["bag", str(tmp_path), "--list"]) == 2
    assert "holds no recording, need a rosbag2 folder" in capsys.readouterr().err


@pytest.mark.parametrize("definition", ["foo bar ((", "other_msgs/Missing x", ""])
def test_a_definition_that_cannot_be_read_costs_its_own_topic_alone(
    tiny, tmp_path, capsys, definition
):
    def talking(bag):
        frames(bag)
        bag.text("/chatter", START, "hello")

    path = write_bag(tmp_path / "drive", talking, "sqlite3")
    with contextlib.closing(sqlite3.connect(part(path))) as database:
        database.execute(
            "UPDATE message_definitions SET encoded_message_definition = ? "
            "WHERE topic_type LIKE 'std_msgs%String'",
            (definition,),
        )
        database.commit()
    said, count = answered(tiny, path, capsys)
    assert count == FRAMES
    assert ("the definition of std_msgs/msg/String cannot be read" in said) is bool(definition)


def write_ros1(path):
    """Write the same frames with the definitions of ROS 1: a camera has D, K, R and P there."""
    store = get_typestore(Stores.ROS1_NOETIC)
    types = store.types

    def header(number):
        time = types["builtin_interfaces/msg/Time"](sec=1_700_000_000, nanosec=number * 10**8)
        return types["std_msgs/msg/Header"](seq=number, stamp=time, frame_id="camera")

    def image(number, pixels, encoding):
        return types["sensor_msgs/msg/Image"](
            header=header(number),
            height=HEIGHT,
            width=WIDTH,
            encoding=encoding,
            is_bigendian=0,
            step=pixels.nbytes // HEIGHT,
            data=np.frombuffer(pixels.tobytes(), np.uint8),
        )

    def info(number):
        region = types["sensor_msgs/msg/RegionOfInterest"](
            x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
        )
        matrix = np.asarray(CAMERA)
        return types["sensor_msgs/msg/CameraInfo"](
            header=header(number),
            height=HEIGHT,
            width=WIDTH,
            distortion_model="plumb_bob",
            D=np.zeros(5),
            K=matrix.ravel(),
            R=np.eye(3).ravel(),
            P=np.hstack([matrix, np.zeros((3, 1))]).ravel(),
            binning_x=0,
            binning_y=0,
            roi=region,
        )

    with Writer1(path) as writer:
        topics = {}
        for number in range(FRAMES):
            depth = np.full((HEIGHT, WIDTH), 1500, np.uint16)
            for topic, message in (
                (INFO, info(number)),
                (DEPTH, image(number, depth, "16UC1")),
                (IMAGE, image(number, np.indices((HEIGHT, WIDTH, 3), np.uint8)[0], "rgb8")),
            ):
                kind = message.__msgtype__
                if topic not in topics:
                    topics[topic] = writer.add_connection(topic, kind, typestore=store)
                at = START + number * 100 * MS
                writer.write(topics[topic], at, store.serialize_ros1(message, kind))
    return path


def test_a_ros_1_recording_gives_places_as_one_of_ros_2(tiny, tmp_path, capsys):
    path = write_ros1(tmp_path / "drive.bag")
    assert answered(tiny, path, capsys)[1] == FRAMES
    for line in (tmp_path / "out" / "results.jsonl").read_text().splitlines():
        (answer,) = json.loads(line)["answers"]
        assert answer["depth_status"] == "OK"
        assert answer["position_m"][2] == 1.5


@pytest.mark.parametrize("name", ["cut.bag", "drive.bag.active"])
def test_a_ros_1_recording_that_was_not_closed_names_the_cure(tmp_path, capsys, name):
    whole = write_ros1(tmp_path / "drive.bag").read_bytes()
    path = tmp_path / name
    path.write_bytes(whole[: len(whole) * 7 // 10])
    assert main(["bag", str(path), "--list"]) == 2
    said = capsys.readouterr().err
    assert f"'{path}' was not closed or is cut off" in said
    assert "`rosbag reindex` mends it" in said
