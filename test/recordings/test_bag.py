"""`evf-sam bag`: what is found in recordings, and what is said about those that hold nothing."""

import json

import cv2
import numpy as np
import pytest
from written_bag import MS, write_bag

from evf_sam_ros.cli import main
from evf_sam_ros.perception import predictor
from evf_sam_ros.perception.predictor import Segmentation, StageTimes

IMAGE, DEPTH, INFO = "/camera/image_raw", "/camera/depth/image_raw", "/camera/camera_info"
START = 1_700_000_000_000 * MS
CAMERA = [[300.0, 0, 160], [0, 300.0, 120], [0, 0, 1]]
WIDTH, HEIGHT = 320, 240


@pytest.fixture
def model(tiny):
    return str(tiny)


def picture(seed=0):
    shown = np.full((HEIGHT, WIDTH, 3), 20 * seed, np.uint8)
    shown[: HEIGHT // 2] += 100  # a picture of one colour shows nothing
    return shown


def two_seconds(bag, frames=4, shift_ns=0, begin=START):
    """Colour, depth (after its image) and camera_info at 10 Hz."""
    for number in range(frames):
        stamp = begin + number * 100 * MS
        at = stamp + shift_ns
        bag.image(IMAGE, stamp, picture(number), at_ns=at)
        bag.info(INFO, stamp, CAMERA, WIDTH, HEIGHT)
        depth = np.full((HEIGHT, WIDTH), 1500, np.uint16)
        bag.image(DEPTH, stamp, depth, "16UC1", at_ns=at + 20 * MS)
    bag.text("/text_command", begin + shift_ns, "the red mug")


# The tiny model's masks have several parts.
MEANT = "the red mugs"


def run(model, bag, out, *more, text=MEANT):
    return main(["bag", str(bag), text, "-o", str(out), "--model", model, *more])


def records(out):
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("storage", ["sqlite3", "mcap"])
def test_every_frame_is_answered_in_order_with_its_place(model, tmp_path, storage):
    bag, out = write_bag(tmp_path / "bag", two_seconds, storage), tmp_path / "out"
    assert run(model, bag, out) == 0
    answered = records(out)
    assert [record["frame"] for record in answered] == [0, 1, 2, 3]
    assert [record["stamp_ns"] for record in answered] == [START + i * 100 * MS for i in range(4)]
    for record in answered:
        (answer,) = record["answers"]
        assert answer["status"] == "FOUND"
        assert answer["depth_status"] == "OK"
        assert answer["position_m"][2] == 1.5
        mask = cv2.imread(str(out / record["mask"]), cv2.IMREAD_UNCHANGED)
        assert mask.shape == (HEIGHT, WIDTH)
        assert np.count_nonzero(mask == 255) == answer["area_px"]


def test_what_the_model_knows_is_said_before_the_first_answer(model, tmp_path, capsys):
    bag = write_bag(tmp_path / "bag", two_seconds)
    run(model, bag, tmp_path / "out")
    said = capsys.readouterr()
    assert said.err.startswith("tiny knows only the words it was trained on; ")
    assert "words" not in said.out


class Pair:
    """Everything is a pair of squares to it, whatever it is asked for."""

    name, device, precision, score_threshold = "pair", "cpu", "fp32", None

    def __call__(self, image_rgb, prompts):
        masks = np.zeros((len(prompts), *image_rgb.shape[:2]), bool)
        masks[:, 20:60, 20:60] = masks[:, 100:150, 200:250] = True
        ones = np.ones(len(prompts), np.float32)
        times = StageTimes(0.0, 0.0, 0.0, 0.0)
        none = ((),) * len(prompts)
        return Segmentation(masks, ones, ones > 0, ones, none, masks * 1.0, times, readings=none)


def test_several_that_fit_words_for_one_are_candidates_without_a_place(tmp_path, monkeypatch):
    monkeypatch.setattr(predictor, "load_predictor", lambda *_, **__: Pair())
    bag, out = write_bag(tmp_path / "bag", two_seconds), tmp_path / "out"
    texts = ["the mug", "all the mugs"]
    assert main(["bag", str(bag), *texts, "-o", str(out)]) == 1  # the mug is FOUND nowhere
    one, several = records(out)[0]["answers"]
    assert one["status"] == "AMBIGUOUS"
    assert [each["box_xywh"] for each in one["candidates"]] == [
        [200, 100, 50, 50],
        [20, 20, 40, 40],
    ]
    assert "position_m" not in one
    assert (several["status"], several["area_px"]) == ("FOUND", 1600 + 2500)
    assert "0 of 4" in (out / "summary.md").read_text()


def axes(orientation_xyzw):
    """Return a box's axes, as rows."""
    x, y, z, w = orientation_xyzw
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y + w * z), 2 * (x * z - w * y)],
            [2 * (x * y - w * z), 1 - 2 * (x * x + z * z), 2 * (y * z + w * x)],
            [2 * (x * z + w * y), 2 * (y * z - w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def test_a_box_stands_upright_where_up_is_told(model, tmp_path):
    bag, out = write_bag(tmp_path / "bag", two_seconds), tmp_path / "out"
    assert run(model, bag, out, "--limit", "1", "--up", "0", "-3", "-4") == 0
    (answer,) = records(out)[0]["answers"]
    along_up = axes(answer["box_orientation_xyzw"]) @ [0, -0.6, -0.8]
    np.testing.assert_allclose(np.sort(np.abs(along_up)), [0, 0, 1], atol=1e-5)
    assert answer["box_upright"] is True


def test_without_gravity_a_box_has_the_axes_of_the_camera_and_says_so(model, tmp_path):
    bag, out = write_bag(tmp_path / "bag", two_seconds), tmp_path / "out"
    assert run(model, bag, out, "--limit", "1") == 0
    (answer,) = records(out)[0]["answers"]
    assert answer["box_upright"] is False
    assert answer["box_orientation_xyzw"] == [0, 0, 0, 1]
    x, y, width, height = answer["box_xywh"]
    picture = cv2.imread(str(out / records(out)[0]["mask"]))
    at_border = min(x, y) == 0 or x + width == picture.shape[1] or y + height == picture.shape[0]
    assert answer["cut_off"] is at_border


@pytest.mark.parametrize("up", [("0", "0", "0"), ("nan", "0", "1")])
def test_an_up_that_is_no_direction_is_refused(model, tmp_path, capsys, up):
    bag = write_bag(tmp_path / "bag", two_seconds)
    assert run(model, bag, tmp_path / "out", "--up", *up) == 2
    assert "need a direction, as 0 -1 0" in capsys.readouterr().err


@pytest.mark.parametrize("kind", ["db3", "mcap"])
def test_one_file_of_a_recording_is_enough(model, tmp_path, kind):
    storage = {"db3": "sqlite3"}.get(kind, kind)
    bag = write_bag(tmp_path / "bag", two_seconds, storage)
    assert run(model, next(bag.glob(f"*.{kind}")), tmp_path / "out") == 0
    assert len(records(tmp_path / "out")) == 4


def test_two_runs_write_the_same_bytes(model, tmp_path):
    bag = write_bag(tmp_path / "bag", two_seconds)
    outs = [tmp_path / "first", tmp_path / "second"]
    for out in outs:
        assert run(model, bag, out) == 0
    files = [
        {path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()}
        for out in outs
    ]
    assert files[0].keys() == files[1].keys()
    assert {path.name for path in files[0]} >= {"results.jsonl", "overlay.mp4", "summary.html"}
    assert [path for path in files[0] if files[0][path] != files[1][path]] == []


def test_the_video_has_every_frame_and_the_pages_name_what_they_show(model, tmp_path):
    bag, out = write_bag(tmp_path / "bag", two_seconds), tmp_path / "out"
    assert run(model, bag, out) == 0
    film = cv2.VideoCapture(str(out / "overlay.mp4"))
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 4
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(10)
    for page in ("summary.md", "summary.html"):
        text = (out / page).read_text()
        assert MEANT in text
        assert "4 of 4" in text
        assert "/camera/image_raw (sensor_msgs/msg/Image, rgb8, 4 messages)" in text
    shown = sorted((out / "pictures").glob("*.jpg"))
    assert len(shown) == 4
    assert all(f"(pictures/{path.name})" in (out / "summary.md").read_text() for path in shown)
    assert (out / "summary.html").read_text().count("data:image/jpeg;base64,") == 4


def test_a_looped_recording_gets_the_depth_of_its_own_round(model, tmp_path):
    def twice(bag):
        for round_number, depth_mm in enumerate((1000, 2000)):
            for number in range(3):
                stamp = START + number * 100 * MS
                at = stamp + round_number * 1000 * MS
                bag.image(IMAGE, stamp, picture(number), at_ns=at)
                depth = np.full((HEIGHT, WIDTH), depth_mm, np.uint16)
                bag.image(DEPTH, stamp, depth, "16UC1", at_ns=at + MS)
        bag.info(INFO, START + 3000 * MS, CAMERA, WIDTH, HEIGHT)

    out = tmp_path / "out"
    assert run(model, write_bag(tmp_path / "bag", twice), out) == 0
    answered = records(out)
    assert [record["loop"] for record in answered] == [0, 0, 0, 1, 1, 1]
    depths = [record["answers"][0]["position_m"][2] for record in answered]
    assert depths == [1.0, 1.0, 1.0, 2.0, 2.0, 2.0]
    assert "jumps back in time: 1" in (out / "summary.md").read_text()


def test_simulated_time_starting_at_zero_is_time_like_any_other(model, tmp_path):
    def from_zero(bag):
        two_seconds(bag, begin=0, shift_ns=START)

    out = tmp_path / "out"
    assert run(model, write_bag(tmp_path / "bag", from_zero), out) == 0
    assert [record["stamp_ns"] // MS for record in records(out)] == [0, 100, 200, 300]
    assert all(record["answers"][0]["depth_status"] == "OK" for record in records(out))


def test_depth_that_does_not_belong_to_an_image_says_why(model, tmp_path):
    def odd(bag):
        far = np.full((HEIGHT, WIDTH), 1000, np.uint16)
        bag.info(INFO, START, CAMERA, WIDTH, HEIGHT)
        for number, (late, depth, frame) in enumerate(
            [
                (80 * MS, far, "camera"),
                (0, far[:10], "camera"),
                (0, far, "lidar"),
                (0, 0 * far, ""),
            ]
        ):
            stamp = START + number * 1000 * MS
            bag.image(IMAGE, stamp, picture())
            bag.image(DEPTH, stamp + late, depth, "16UC1", frame_id=frame)

    out = tmp_path / "out"
    assert run(model, write_bag(tmp_path / "bag", odd), out) == 0
    answers = [record["answers"][0] for record in records(out)]
    statuses = [answer["depth_status"] for answer in answers]
    assert statuses == ["OUT_OF_SYNC", "NOT_REGISTERED", "NOT_REGISTERED", "TOO_SPARSE"]
    assert "0.080 s away" in answers[0]["depth_reason"]
    assert "320x10" in answers[1]["depth_reason"]
    assert "'lidar'" in answers[2]["depth_reason"]
    assert not any("position_m" in answer for answer in answers)


def test_a_broken_frame_is_reported_and_the_next_one_answered(model, tmp_path):
    def broken(bag):
        bag.image(IMAGE, START, picture(), "hsv8")
        bag.image(IMAGE, START + 100 * MS, picture())

    out = tmp_path / "out"
    assert run(model, write_bag(tmp_path / "bag", broken), out) == 0
    first, second = records(out)
    assert "'hsv8', need one of rgb8" in first["error"]
    assert first["image_damaged"] is False
    assert first["answers"] == []
    assert second["answers"][0]["depth_status"] == "NONE"
    assert "broken frames: 1" in (out / "summary.md").read_text()


@pytest.mark.parametrize("ending", [".png", ".jpg"])
def test_a_damaged_picture_is_marked_and_the_next_one_answered(model, tmp_path, ending):
    topic, noise = "/camera/image_raw/compressed", np.random.default_rng(0)

    def damaged(bag):
        for number, size in enumerate((9000, None, 9000)):
            pixels = noise.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
            bag.jpeg(topic, START + number * 100 * MS, pixels, ending, size)

    out = tmp_path / "out"
    run(model, write_bag(tmp_path / "bag", damaged), out)
    first, second, third = records(out)
    for record in (first, third):
        assert record["error"].startswith("image_damaged: ")
        assert record["image_damaged"] is True
        assert record["answers"] == []
    assert "error" not in second
    assert second["image_damaged"] is False


def test_compressed_images_and_several_expressions(model, tmp_path):
    def compressed(bag):
        bag.jpeg("/camera/image_raw/compressed", START, picture())

    out = tmp_path / "out"
    bag = write_bag(tmp_path / "bag", compressed)
    assert main(["bag", str(bag), "the mugs", "the xyzzy", "-o", str(out), "--model", model]) == 1
    found, unknown = records(out)[0]["answers"]
    assert (found["status"], unknown["status"]) == ("FOUND", "NOT_FOUND")
    assert unknown["unknown_words"] == ["xyzzy"]
    mask = cv2.imread(str(out / "masks" / "000000.png"), cv2.IMREAD_UNCHANGED)
    assert set(np.unique(mask)) <= {0, 1}


def test_every_nth_frame_up_to_a_limit(model, tmp_path):
    bag, out = write_bag(tmp_path / "bag", lambda bag: two_seconds(bag, 9)), tmp_path / "out"
    assert run(model, bag, out, "--every", "3", "--limit", "2") == 0
    assert [record["frame"] for record in records(out)] == [0, 3]
    assert len(list((out / "masks").glob("*.png"))) == 2


def test_the_video_plays_like_the_recording(model, tmp_path):
    gaps_ms = (100, 100, 600, 100, 300)

    def uneven(bag):
        stamp = START
        for number, gap_ms in enumerate((*gaps_ms, 0)):
            bag.image(IMAGE, stamp, picture(number))
            stamp += gap_ms * MS

    out = tmp_path / "out"
    assert run(model, write_bag(tmp_path / "bag", uneven), out) == 0
    film = cv2.VideoCapture(str(out / "overlay.mp4"))
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(10)
    assert film.get(cv2.CAP_PROP_FRAME_COUNT) == sum(gaps_ms) / 100 + 1


def test_json_tells_what_came_of_the_run_and_nothing_else(model, tmp_path, capsys):
    bag, out = write_bag(tmp_path / "bag", two_seconds), tmp_path / "out"
    assert run(model, bag, out, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["recording"], told["frames"]) == (str(bag), len(records(out)))
    [count] = told["found"].values()
    assert count == sum(each["answers"][0]["found"] for each in records(out))
    assert main(["bag", str(bag), "--list", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    counts = {each["name"]: each["count"] for each in listed["topics"]}
    assert counts == {IMAGE: 4, DEPTH: 4, INFO: 4, "/text_command": 1}


def test_a_second_run_leaves_nothing_of_the_first(model, tmp_path):
    bag, out = write_bag(tmp_path / "bag", two_seconds), tmp_path / "out"
    run(model, bag, out)
    run(model, bag, out, "--limit", "1")
    assert [path.name for path in (out / "masks").glob("*.png")] == ["000000.png"]
    assert [path.name for path in (out / "pictures").glob("*.jpg")] == ["000000.jpg"]


def test_the_list_names_every_topic(model, tmp_path, capsys):
    bag = write_bag(tmp_path / "bag", two_seconds)
    assert main(["bag", str(bag), "--list"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "/camera/camera_info (sensor_msgs/msg/CameraInfo, 4 messages)",
        "/camera/depth/image_raw (sensor_msgs/msg/Image, 16UC1, 4 messages)",
        "/camera/image_raw (sensor_msgs/msg/Image, rgb8, 4 messages)",
        "/text_command (std_msgs/msg/String, 1 messages)",
    ]


class TestRefusals:
    def refused(self, capsys, *arguments):
        assert main(["bag", *map(str, arguments)]) == 2
        return capsys.readouterr().err

    def test_two_cameras_are_named_with_the_option_that_chooses(self, model, tmp_path, capsys):
        def two(bag):
            bag.image("/left/image_raw", START, picture())
            bag.image("/right/image_raw", START, picture())

        bag, out = write_bag(tmp_path / "bag", two), tmp_path / "out"
        said = self.refused(capsys, bag, "the mug", "-o", out)
        assert "/left/image_raw, /right/image_raw; choose by --image" in said
        assert run(model, bag, out, "--image", "/left/image_raw") == 0

    def test_a_recording_without_images_lists_what_it_holds(self, tmp_path, capsys):
        bag = write_bag(tmp_path / "bag", lambda bag: bag.text("/chatter", START, "hello"))
        said = self.refused(capsys, bag, "the mug", "-o", tmp_path / "out")
        assert "has no images; it has /chatter (std_msgs/msg/String, 1 messages)" in said

    def test_a_topic_that_is_not_there_is_named(self, tmp_path, capsys):
        bag = write_bag(tmp_path / "bag", two_seconds)
        said = self.refused(capsys, bag, "mug", "-o", tmp_path / "out", "--depth", "/nowhere")
        assert "no topic '/nowhere'; it has /camera/camera_info" in said

    def test_what_is_no_recording_is_refused(self, tmp_path, capsys):
        assert "no recording" in self.refused(capsys, tmp_path / "nothing", "mug", "-o", "out")
        (tmp_path / "notes.txt").write_text("hello")
        said = self.refused(capsys, tmp_path / "notes.txt", "mug", "-o", tmp_path / "out")
        assert "need a rosbag2 folder" in said
        (tmp_path / "broken.mcap").write_bytes(b"\x89MCAP0\r\n" + bytes(40))
        said = self.refused(capsys, tmp_path / "broken.mcap", "mug", "-o", tmp_path / "out")
        assert "need a rosbag2 folder" in said

    def test_an_expression_and_a_folder_are_needed(self, tmp_path, capsys):
        bag = write_bag(tmp_path / "bag", two_seconds)
        assert "need a sentence and -o" in self.refused(capsys, bag)
