"""Images by hand, a few pixels each; rosbags-image as a second opinion where it knows the case."""

import array
import contextlib
import io

import cv2
import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rosbags.image import message_to_cvimage
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, RegionOfInterest
from std_msgs.msg import Header

from evf_sam_ros.ros.conversions import (
    IMAGE_ENCODINGS,
    depth_from_image,
    image_from_mask,
    image_from_rgb,
    intrinsics_from_info,
    rgb_from_compressed,
    rgb_from_image,
)

RED, GREEN, BLUE, WHITE = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255)
CHANNELS = {"rgb8": 3, "bgr8": 3, "8UC3": 3, "rgba8": 4, "bgra8": 4, "mono16": 2}
CHANNELS |= dict.fromkeys(("yuv422", "uyvy", "yuv422_yuy2", "yuyv"), 2)
CHANNELS |= {"8UC4": 4, "16UC3": 6, "16UC4": 8, "rgb16": 6, "bgr16": 6, "rgba16": 8, "bgra16": 8}
CHANNELS |= {name: 2 for name in IMAGE_ENCODINGS if name.startswith("bayer_") and "16" in name}
PLANAR = ("nv12", "nv21")


def message(encoding, rows, *, padding=0, is_bigendian=False, width=None):
    """Make an image of rows of bytes, with so many bytes of rubbish behind each."""
    rows = [bytes(list(row)) for row in rows]
    bytes_per_pixel = CHANNELS.get(encoding, {"32FC1": 4, "16UC1": 2}.get(encoding, 1))
    height = len(rows) * 2 // 3 if encoding in PLANAR else len(rows)
    image = Image(height=height, encoding=encoding, is_bigendian=is_bigendian)
    image.width = width or len(rows[0]) // bytes_per_pixel
    image.step = len(rows[0]) + padding
    image.data = array.array("B", b"".join(row + b"\xa5" * padding for row in rows))
    return image


def random_message(encoding, padding=0):
    rng = np.random.default_rng(0)
    return message(
        encoding, rng.integers(0, 256, (6, 8 * CHANNELS.get(encoding, 1))), padding=padding
    )


@pytest.mark.parametrize(
    ("encoding", "row"),
    [
        ("rgb8", [255, 0, 0, 0, 0, 255]),
        ("bgr8", [0, 0, 255, 255, 0, 0]),
        ("8UC3", [0, 0, 255, 255, 0, 0]),
        ("rgba8", [255, 0, 0, 7, 0, 0, 255, 9]),
        ("bgra8", [0, 0, 255, 7, 255, 0, 0, 9]),
    ],
)
@pytest.mark.parametrize("padding", [0, 1, 5])
def test_colours_keep_their_channels(encoding, row, padding):
    image = rgb_from_image(message(encoding, [row, row], padding=padding))
    np.testing.assert_array_equal(image, [[RED, BLUE], [RED, BLUE]])


@pytest.mark.parametrize("encoding", ["mono8", "8UC1"])
@pytest.mark.parametrize("padding", [0, 3])
def test_gray_becomes_three_equal_channels(encoding, padding):
    image = rgb_from_image(message(encoding, [[0, 77], [200, 255]], padding=padding))
    np.testing.assert_array_equal(image, np.dstack([[[0, 77], [200, 255]]] * 3))


@pytest.mark.parametrize("is_bigendian", [False, True])
@pytest.mark.parametrize("padding", [0, 3])
def test_mono16_is_scaled_from_its_full_range(is_bigendian, padding):
    order = ">u2" if is_bigendian else "<u2"
    rows = [np.array(row, order).tobytes() for row in ([0, 65535], [257 * 100, 257 * 3])]
    image = rgb_from_image(message("mono16", rows, padding=padding, is_bigendian=is_bigendian))
    np.testing.assert_array_equal(image[..., 0], [[0, 255], [100, 3]])


@pytest.mark.parametrize(
    ("encoding", "row"),
    [
        ("uyvy", [128, 235, 128, 16]),
        ("yuv422", [128, 235, 128, 16]),
        ("yuv422_yuy2", [235, 128, 16, 128]),
        ("yuyv", [235, 128, 16, 128]),
    ],
)
def test_yuv_without_colour_is_white_and_black_in_video_range(encoding, row):
    image = rgb_from_image(message(encoding, [row, row], padding=4))
    np.testing.assert_allclose(image, [[WHITE, (0, 0, 0)]] * 2, atol=1)


@pytest.mark.parametrize(
    ("encoding", "row"),
    [("uyvy", [90, 81, 240, 81]), ("yuv422_yuy2", [81, 90, 81, 240])],
)
def test_yuv_red_of_bt601_is_red(encoding, row):
    np.testing.assert_allclose(rgb_from_image(message(encoding, [row])), [[RED, RED]], atol=2)


@pytest.mark.parametrize(
    ("pattern", "rows"),
    [
        ("bayer_rggb8", [[255, 0], [0, 0]]),
        ("bayer_bggr8", [[0, 0], [0, 255]]),
        ("bayer_gbrg8", [[0, 0], [255, 0]]),
        ("bayer_grbg8", [[0, 255], [0, 0]]),
    ],
)
@pytest.mark.parametrize("padding", [0, 1])
def test_bayer_pixels_under_the_red_filter_make_a_red_image(pattern, rows, padding):
    image = rgb_from_image(message(pattern, np.tile(rows, (4, 4)), padding=padding))
    np.testing.assert_array_equal(image, np.broadcast_to(RED, (8, 8, 3)))


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
@pytest.mark.parametrize("is_bigendian", [False, True])
@pytest.mark.parametrize("encoding", ["mono16", "rgb16", "bayer_rggb16"])
def test_cameras_of_any_bit_depth_fill_the_range(encoding, bits, is_bigendian):
    full = 2**bits - 1
    row = np.array([full, full, full, full, full, full], ">u2" if is_bigendian else "<u2")
    rows = [row.tobytes()] * 4
    image = rgb_from_image(message(encoding, rows, is_bigendian=is_bigendian))
    assert image.min() == 255
    half = np.array([full, full // 2, full, 0, full // 4, full], row.dtype).tobytes()
    image = rgb_from_image(message("mono16", [half], is_bigendian=is_bigendian))
    np.testing.assert_allclose(image[0, :, 0], [255, 127, 255, 0, 63, 255], atol=1)


@pytest.mark.parametrize("encoding", PLANAR)
def test_planes_of_colour_are_shared_by_four_pixels(encoding):
    red, blue = (90, 240), (240, 110)  # u and v of BT.601, video range
    order = slice(None) if encoding == "nv12" else slice(None, None, -1)
    colours = [*red[order], *blue[order]]
    image = rgb_from_image(message(encoding, [[81, 81, 41, 41]] * 2 + [colours], padding=3))
    np.testing.assert_allclose(image, [[RED, RED, BLUE, BLUE]] * 2, atol=2)


@pytest.mark.parametrize("encoding", PLANAR)
@pytest.mark.parametrize(("height", "width"), [(3, 4), (4, 3)])
def test_odd_sides_have_no_shared_colour(encoding, height, width):
    image = Image(height=height, width=width, step=8, encoding=encoding, data=bytes(80))
    with pytest.raises(ValueError, match=f"{encoding} needs an even width and height"):
        rgb_from_image(image)


def test_a_plane_of_colour_that_is_missing_is_refused_with_the_numbers():
    image = Image(height=2, width=4, step=4, encoding="nv12", data=bytes(8))
    with pytest.raises(ValueError, match="8 bytes, but 3 rows of 4 take 12"):
        rgb_from_image(image)


# Those that it knows.
PEERS = [
    name for name in IMAGE_ENCODINGS if name not in ("8UC3", "8UC4", "16UC3", "16UC4", *PLANAR)
]


@pytest.mark.parametrize("encoding", PEERS)
def test_agrees_with_rosbags_image(encoding):
    image = random_message(encoding)
    source = "mono8" if encoding == "8UC1" else encoding
    image.encoding = source
    # It has no RGB for every source, but BGR.
    expected = message_to_cvimage(image, "bgr8")[..., ::-1]
    image.encoding = encoding
    tolerance = 1 if "16" in encoding else 0  # it cuts off where we round
    np.testing.assert_allclose(rgb_from_image(image).astype(int), expected, atol=tolerance)


@pytest.mark.parametrize("encoding", IMAGE_ENCODINGS)
def test_row_padding_changes_nothing(encoding):
    plain, padded = random_message(encoding), random_message(encoding, padding=13)
    np.testing.assert_array_equal(rgb_from_image(padded), rgb_from_image(plain))


def test_the_last_row_may_lack_its_padding():
    image = message("mono8", [[1, 2], [3, 4]], padding=2)
    image.data = image.data[:-2]
    np.testing.assert_array_equal(rgb_from_image(image)[..., 0], [[1, 2], [3, 4]])


def test_an_unknown_encoding_is_named_with_those_accepted():
    with pytest.raises(ValueError, match=r"'nv24'.*rgb8, bgr8, .*bayer_grbg8"):
        rgb_from_image(Image(height=2, width=2, step=2, encoding="nv24", data=bytes(6)))


def test_depth_for_a_picture_is_refused_with_what_a_picture_would_be_called():
    with pytest.raises(ValueError, match=r"'16UC1'.*depth.*called mono16"):
        rgb_from_image(Image(height=1, width=1, step=2, encoding="16UC1", data=bytes(2)))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"width": 0, "height": 0, "step": 0}, "0x0"),
        ({"height": 0}, "2x0"),
        ({"step": 5}, "step is 5 bytes, but a row of 2 rgb8 pixels takes 6"),
        ({"data": bytes(11)}, "11 bytes, but 2 rows of 6 take 12"),
        ({"data": b""}, "0 bytes"),
        ({"width": 2**31, "step": 6}, "step is 6"),
        ({"height": 2**32 - 1}, "12 bytes"),
    ],
)
def test_sizes_that_do_not_fit_are_refused_with_the_numbers(changes, sentence):
    image = Image(height=2, width=2, step=6, encoding="rgb8", data=bytes(12))
    for name, value in changes.items():
        setattr(image, name, value)
    with pytest.raises(ValueError, match=sentence):
        rgb_from_image(image)


def test_an_odd_width_is_no_yuv_422():
    with pytest.raises(ValueError, match="even width"):
        rgb_from_image(message("uyvy", [[128] * 6]))


@pytest.mark.parametrize("encoding", [name for name in IMAGE_ENCODINGS if "bayer" in name])
@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1), (2, 2), (3, 3)])
def test_a_tiny_bayer_image_is_read_or_refused(encoding, size):
    # OpenCV needs 3x3 pixels to look at neighbours; smaller, what matters is that it is no crash.
    with contextlib.suppress(ValueError):
        rows = np.zeros((size[0], size[1] * CHANNELS.get(encoding, 1)), int)
        assert rgb_from_image(message(encoding, rows)).shape == (*size, 3)


@pytest.mark.parametrize("extension", [".png", ".jpg"])
def test_compressed_images_come_out_in_rgb(extension):
    red = np.zeros((8, 8, 3), np.uint8)
    red[..., 2] = 255  # OpenCV writes BGR
    data = cv2.imencode(extension, red)[1].tobytes()
    image = rgb_from_compressed(CompressedImage(format=extension[1:], data=data))
    np.testing.assert_allclose(image, np.broadcast_to(RED, (8, 8, 3)), atol=3)


@pytest.mark.parametrize("data", [b"", b"rubbish", b"\xff\xd8\xff rubbish"])
def test_garbage_is_no_compressed_image(data):
    with pytest.raises(ValueError, match=r"need JPEG or PNG|no JPEG that can be read"):
        rgb_from_compressed(CompressedImage(format="jpeg", data=data))


@pytest.mark.parametrize("bits", [10, 12, 16])
def test_a_grey_png_of_16_bits_fills_the_range(bits):
    values = np.array([[0, 2**bits - 1]], np.uint16)
    data = cv2.imencode(".png", values)[1].tobytes()
    image = rgb_from_compressed(CompressedImage(format="mono16; png compressed", data=data))
    assert image[0, :, 0].tolist() == [0, 255]


@pytest.mark.parametrize("form", ["JPEG", "PNG"])
def test_pixels_of_a_camera_are_never_turned(form):
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 255
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # a viewer turns it by 90 degrees
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, form, exif=exif)
    message = CompressedImage(format=form.lower(), data=file.getvalue())
    np.testing.assert_allclose(rgb_from_compressed(message).astype(int), pixels, atol=6)


@pytest.mark.parametrize("is_bigendian", [False, True])
@pytest.mark.parametrize("padding", [0, 3])
def test_float_depth_is_metres_and_what_is_no_reading_becomes_nan(is_bigendian, padding):
    values = np.array([[0.5, 0.0, np.nan], [np.inf, -1.0, 2.25]])
    rows = [row.astype(">f4" if is_bigendian else "<f4").tobytes() for row in values]
    depth_m = depth_from_image(message("32FC1", rows, padding=padding, is_bigendian=is_bigendian))
    assert depth_m.dtype == np.float32
    np.testing.assert_array_equal(depth_m, [[0.5, np.nan, np.nan], [np.nan, np.nan, 2.25]])


@pytest.mark.parametrize("is_bigendian", [False, True])
def test_integer_depth_is_millimetres(is_bigendian):
    order = ">u2" if is_bigendian else "<u2"
    rows = [np.array(row, order).tobytes() for row in ([1500, 0], [1, 65535])]
    depth_m = depth_from_image(message("16UC1", rows, padding=2, is_bigendian=is_bigendian))
    np.testing.assert_allclose(depth_m, [[1.5, np.nan], [0.001, np.nan]], rtol=1e-6)


def test_a_colour_image_is_no_depth():
    with pytest.raises(ValueError, match="'rgb8', need one of 32FC1, 16UC1"):
        depth_from_image(message("rgb8", [[0] * 6]))


def test_messages_out_carry_header_size_and_pixels():
    header = Header(frame_id="camera")
    mask = image_from_mask(np.array([[True, False, True]]), header)
    assert (mask.height, mask.width, mask.step, mask.encoding) == (1, 3, 3, "mono8")
    assert mask.data.tolist() == [255, 0, 255]
    assert mask.header == header
    picture = image_from_rgb(np.array([[RED, GREEN]], np.uint8), header)
    assert (picture.height, picture.width, picture.step) == (1, 2, 6)
    assert picture.data.tolist() == [*RED, *GREEN]


def info(**changes):
    camera = CameraInfo(
        width=640,
        height=480,
        k=[600.0, 0.0, 320.0, 0.0, 500.0, 240.0, 0.0, 0.0, 1.0],
        p=[300.0, 0.0, 300.0, 0.0, 0.0, 250.0, 200.0, 0.0, 0.0, 0.0, 1.0, 0.0],
    )
    for name, value in changes.items():
        setattr(camera, name, value)
    return camera


def test_a_raw_image_has_k_and_a_rectified_one_p():
    raw = intrinsics_from_info(info(), 640, 480, rectified=False)
    assert (raw.fx, raw.fy, raw.cx, raw.cy) == (600, 500, 320, 240)
    rectified = intrinsics_from_info(info(), 640, 480, rectified=True)
    assert (rectified.fx, rectified.fy, rectified.cx, rectified.cy) == (300, 250, 300, 200)


def test_a_rectified_image_without_p_has_k():
    camera = intrinsics_from_info(info(p=[0.0] * 12), 640, 480, rectified=True)
    assert (camera.fx, camera.cx) == (600, 320)


def test_a_region_of_interest_moves_the_centre_and_binning_scales_all():
    region = RegionOfInterest(x_offset=20, y_offset=40, width=320, height=240)
    camera = intrinsics_from_info(
        info(roi=region, binning_x=2, binning_y=2), 160, 120, rectified=False
    )
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (300, 250, 150, 100)


def test_an_uncalibrated_camera_is_refused():
    with pytest.raises(ValueError, match="not calibrated"):
        intrinsics_from_info(info(k=[0.0] * 9), 640, 480, rectified=False)


def test_camera_info_of_another_size_is_refused():
    with pytest.raises(ValueError, match="640x480 pixels, the image has 320x240"):
        intrinsics_from_info(info(), 320, 240, rectified=False)


@given(
    height=st.integers(0, 5),
    width=st.integers(0, 6),
    step=st.integers(0, 30),
    size=st.integers(0, 120),
    encoding=st.sampled_from([*IMAGE_ENCODINGS, "", "nv24", "32FC1", "16UC1"]),
    is_bigendian=st.integers(0, 255),
)
def test_any_image_is_read_or_refused_with_a_sentence(
    height, width, step, size, encoding, is_bigendian
):
    image = Image(
        height=height,
        width=width,
        step=step,
        encoding=encoding,
        is_bigendian=is_bigendian,
        data=array.array("B", bytes(size)),
    )
    for read, shape in ((rgb_from_image, (height, width, 3)), (depth_from_image, (height, width))):
        with contextlib.suppress(ValueError):
            assert read(image).shape == shape


def test_binning_scales_columns_and_rows_each_by_its_own():
    camera = intrinsics_from_info(info(binning_x=2, binning_y=4), 320, 120, rectified=False)
    whole = intrinsics_from_info(info(), 640, 480, rectified=False)
    assert (camera.fx, camera.cx) == (whole.fx / 2, whole.cx / 2)
    assert (camera.fy, camera.cy) == (whole.fy / 4, whole.cy / 4)
