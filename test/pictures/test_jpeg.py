"""JPEG and PNG as they arrive: with a little missing, and with too much missing."""

import io
import sys

import cv2
import numpy as np
import PIL.Image
import pytest

from evf_sam_ros.pictures import jpeg, png
from evf_sam_ros.pictures.damaged import DamagedImageError
from evf_sam_ros.pictures.photograph import read_rgb

ROWS, COLUMNS = np.mgrid[:96, :128]
NOISE = np.random.default_rng(0).integers(0, 20, ROWS.shape)
RGB = np.stack([2 * ROWS, COLUMNS, ROWS + COLUMNS], axis=-1).astype(np.uint8)
RGB += NOISE[..., None].astype(np.uint8)


def encoded(pixels=RGB, **options):
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, "JPEG", quality=90, **options)
    return file.getvalue()


LOSS = 5  # of the noise, by quality 90
PLAIN, PROGRESSIVE = encoded(), encoded(progressive=True)


def without_tables(content):
    """Leave out the Huffman tables, as cameras do that send MJPEG."""
    made, place = content[:2], 2
    while content[place + 1] != 0xDA:
        end = place + 2 + int.from_bytes(content[place + 2 : place + 4], "big")
        made += b"" if content[place + 1] == 0xC4 else content[place:end]
        place = end
    return made + content[place:]


STANDARD = cv2.imencode(".jpg", RGB[..., ::-1], [cv2.IMWRITE_JPEG_OPTIMIZE, 0])[1].tobytes()
GREY = encoded(RGB[..., 0].copy())
WHOLE = {  # and what it was before
    "as written": (PLAIN, PLAIN),
    "progressive": (PROGRESSIVE, PROGRESSIVE),
    "no end marker": (PLAIN[:-2], PLAIN),
    "half an end marker": (PLAIN[:-1], PLAIN),
    "zeros behind it": (PLAIN + bytes(4096), PLAIN),
    "a stray byte before its end": (PLAIN[:-2] + b"\0" + PLAIN[-2:], PLAIN),
    "junk before it": (b"\0\1" + PLAIN, PLAIN),
    "no Huffman tables": (without_tables(STANDARD), STANDARD),
    "grey": (GREY, GREY),
}
DAMAGED = {
    "cut at 60 %": PLAIN[: len(PLAIN) * 6 // 10],
    "the last rows missing": PLAIN[:-100],
    "progressive, cut at 60 %": PROGRESSIVE[: len(PROGRESSIVE) * 6 // 10],
    "a burst of errors": PLAIN[: len(PLAIN) // 2] + b"\x55" * 200 + PLAIN[len(PLAIN) // 2 + 200 :],
    "a hole filled with zeros": PLAIN[: len(PLAIN) // 2] + bytes(len(PLAIN) // 2),
    "a hole": PLAIN[: len(PLAIN) // 2] + PLAIN[len(PLAIN) // 2 + 400 :],
}


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_picture_is_read(kind):
    content, before = WHOLE[kind]
    expected = np.asarray(PIL.Image.open(io.BytesIO(before)).convert("RGB"))
    np.testing.assert_allclose(jpeg.decode(content).astype(int), expected, atol=1)


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_picture_is_not_taken_for_a_whole_one(kind, capfd):
    with pytest.raises(DamagedImageError, match=r"^image_damaged: corrupt JPEG"):
        jpeg.decode(DAMAGED[kind])
    assert capfd.readouterr().err == ""  # libjpeg writes there itself


@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_photograph_is_refused_with_its_name(tmp_path, kind):
    path = tmp_path / "photo.jpg"
    path.write_bytes(DAMAGED[kind])
    with pytest.raises(
        DamagedImageError, match=r"photo.jpg' is not a picture that is whole: image_damaged: "
    ):
        read_rgb(path)


def test_a_photograph_without_its_end_marker_is_read_and_turned(tmp_path):
    exif = PIL.Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(np.rot90(RGB, 1).copy(), exif=exif)[:-2])
    assert np.abs(read_rgb(path).astype(int) - RGB).mean() < LOSS


def test_a_picture_for_print_is_read_as_before(tmp_path):
    path = tmp_path / "photo.jpg"
    PIL.Image.fromarray(RGB).convert("CMYK").save(path, quality=95)
    assert jpeg.decode(path.read_bytes()) is None
    assert read_rgb(path).shape == RGB.shape


def test_more_pixels_than_can_be_meant_are_refused_by_their_head():
    start = PLAIN.index(b"\xff\xc0") + 5
    huge = PLAIN[:start] + b"\xea\x60\xea\x60" + PLAIN[start + 4 :]
    with pytest.raises(ValueError, match="a JPEG of 60000x60000 pixels"):
        jpeg.decode(huge)


@pytest.mark.parametrize("size", [3, 4, 20, 200, 400, 600])
def test_a_piece_of_the_head_is_refused_with_a_sentence(size):
    with pytest.raises(ValueError, match=r"no JPEG that can be read|image_damaged"):
        jpeg.decode(PLAIN[:size])


def test_a_machine_without_the_library_reads_what_opencv_reads(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    path = tmp_path / "photo.jpg"
    path.write_bytes(PLAIN[:-2])
    assert np.abs(read_rgb(path).astype(int) - RGB).mean() < LOSS


PNG = cv2.imencode(".png", RGB)[1].tobytes()


def test_a_whole_png_is_not_refused():
    png.check(PNG)
    png.check(PNG + bytes(99))


@pytest.mark.parametrize(
    ("content", "trouble"),
    [
        (PNG[: len(PNG) // 2], "PNG data ends early"),
        (PNG[:-1], "PNG data ends early"),
        (PNG[: len(PNG) // 2] + b"U" + PNG[len(PNG) // 2 + 1 :], "the checksum of a PNG chunk"),
    ],
)
def test_a_damaged_png_is_refused_before_libpng_writes_of_it(tmp_path, capfd, content, trouble):
    path = tmp_path / "photo.png"
    path.write_bytes(content)
    with pytest.raises(
        ValueError, match=rf"photo.png' is not a picture that is whole: image_damaged: {trouble}"
    ):
        read_rgb(path)
    assert capfd.readouterr().err == ""
