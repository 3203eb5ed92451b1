"""The node's parameters: a frozen dataclass, from which they are declared, checked and listed.

Each says when a change takes effect. What is read only when the node is configured or activated
can be changed before that, and is refused with the reason afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from math import isfinite
from typing import Any

from evf_sam_ros.perception.class_table import check_names
from evf_sam_ros.perception.decoded_size import MOST_DECODED_PX
from evf_sam_ros.perception.defaults import DEPTH_LIMITS_M, DEPTH_SYNC_SLOP_S, LEAST_AREA_PX
from evf_sam_ros.perception.depth_lookup import DepthOptions
from evf_sam_ros.perception.registration import Registration, rigid_transform


class Effect(Enum):
    """The time at which a change of a parameter takes effect."""

    AT_ONCE = "at once"
    ACTIVATE = "when activated"
    CONFIGURE = "when configured"
    START = "at start only"


def setting(
    default: Any,
    help: str,
    *,
    effect: Effect = Effect.AT_ONCE,
    range: tuple[float, float] | None = None,
    choices: Sequence[str] = (),
) -> Any:
    """Describe one parameter: a dataclass field with its help, bounds and time of effect."""
    metadata = {"help": help, "effect": effect, "range": range, "choices": tuple(choices)}
    return field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """Parameter values, checked against their bounds."""

    def __post_init__(self) -> None:
        for each in fields(self):
            value, choices = getattr(self, each.name), each.metadata["choices"]
            if choices and value not in choices:
                raise ValueError(f"{each.name} is {value!r}, need one of {', '.join(choices)}")
            bounds = each.metadata["range"]
            if bounds and not bounds[0] <= value <= bounds[1]:
                raise ValueError(f"{each.name} is {value}, need {bounds[0]:g} to {bounds[1]:g}")


@dataclass(frozen=True)
class NodeParameters(Settings):
    """Parameters of the segmentation node."""

    model: str = setting(
        "default",
        "the model: `default` (shipped in the package), the folder of a checkpoint, or a Hugging "
        "Face id `owner/name`",
        effect=Effect.CONFIGURE,
    )
    tokenizer: str = setting(
        "",
        "the folder or Hugging Face id whose tokenizer the model reads, for a fine-tuned model "
        "that was published without one; empty: the model's own",
        effect=Effect.CONFIGURE,
    )
    device: str = setting(
        "auto",
        "device of the model: `auto` (cuda if present), `cpu`, `cuda`, `cuda:1`, ...",
        effect=Effect.CONFIGURE,
    )
    precision: str = setting(
        "auto",
        "number format of the model; `auto` chooses it for the device; `int8` stores weights in 8 "
        "bits, for less memory, by engine `openvino` alone",
        effect=Effect.CONFIGURE,
        choices=("auto", "fp32", "bf16", "fp16", "int8"),
    )
    engine: str = setting(
        "auto",
        "engine of the model: `torch`; `openvino` and `onnxruntime`, on a CPU, made ready when "
        "configured, which may take minutes; `onnxruntime-cuda`, `onnxruntime-tensorrt` and "
        "`tensorrt`, likewise on a GPU; `warming`, torch at once and openvino, or onnxruntime "
        "where that alone is installed, from when it is ready; `plain`, the model as it is "
        "written; `auto`, what `evf-sam bench` found fastest on this machine, else openvino or "
        "onnxruntime where it is ready for the model, else torch",
        effect=Effect.CONFIGURE,
        choices=(
            "auto",
            "torch",
            "plain",
            "openvino",
            "onnxruntime",
            "onnxruntime-cuda",
            "onnxruntime-tensorrt",
            "tensorrt",
            "compiled",
            "warming",
            "graphs",
        ),
    )
    image_transport: str = setting(
        "raw",
        "`raw` reads `image`, `compressed` reads `image/compressed`",
        effect=Effect.ACTIVATE,
        choices=("raw", "compressed"),
    )
    depth_transport: str = setting(
        "raw",
        "`raw` reads `depth`, `compressedDepth` reads `depth/compressedDepth`",
        effect=Effect.ACTIVATE,
        choices=("raw", "compressedDepth"),
    )
    image_reliability: str = setting(
        "best_effort",
        "reliability asked of the image, camera_info and depth topics; "
        "`reliable` does not match a camera that offers best effort",
        effect=Effect.ACTIVATE,
        choices=("best_effort", "reliable"),
    )
    mode: str = setting(
        "stream",
        "`once`: one answer per command; `stream`: an answer for every processed image until the "
        "command is replaced, cancelled or expired; `track`: as `stream`, but what was found is "
        "followed, and lost rather than mistaken for another that looks like it",
        choices=("once", "stream", "track"),
    )
    processing: str = setting(
        "latest",
        "`latest`: the newest image replaces one that waits; `every_frame`: up to 300 wait, for "
        "replaying a recording, and max_frame_age_s counts until they arrive",
        effect=Effect.ACTIVATE,
        choices=("latest", "every_frame"),
    )
    speech_type: str = setting(
        "none",
        "what `speech` carries; the package of the type must be installed",
        effect=Effect.ACTIVATE,
        choices=("none", "hri_msgs/LiveSpeech", "whisper_msgs/Transcription"),
    )
    max_rate_hz: float = setting(
        0.0, "largest number of images processed per second; 0: no limit", range=(0.0, 1000.0)
    )
    max_decoded_px: int = setting(
        MOST_DECODED_PX,
        "largest compressed image in pixels; larger ones are answered with ERROR, not decoded",
        range=(1, 2**30),
    )
    max_frame_age_s: float = setting(
        1.0,
        "largest age of an image; older ones are answered with STALE_FRAME; 0: any age",
        range=(0.0, 3600.0),
    )
    command_ttl_s: float = setting(
        30.0, "time after which a command expires; 0: never", range=(0.0, 86400.0)
    )
    parse_commands: bool = setting(
        True,
        "reduction of a sentence to its expression: `pick up the red mug, please` → `the red mug`",
    )
    semantic: bool = setting(
        False, "prefix `[semantic] ` of the expression, for checkpoints trained with it"
    )
    score_threshold: float = setting(
        -1.0,
        "score below which an answer is NOT_FOUND; negative: the model's calibration",
        range=(-1.0, 1.0),
    )
    require_calibration: bool = setting(
        False, "answer LOW_CONFIDENCE in place of FOUND while the model has no calibration"
    )
    self_calibrate: bool = setting(
        False,
        "calibration of a model that has none by the first camera images, without labels; it is "
        "kept in the user's cache for the next start",
        effect=Effect.ACTIVATE,
    )
    min_mask_area_px: int = setting(
        LEAST_AREA_PX,
        "least area of a mask and of its separate parts; smaller ones are dropped",
        range=(1, 1_000_000),
    )
    look_for_rivals: bool = setting(
        True,
        "search for other objects that fit: `the red mug` is AMBIGUOUS if two fit; only for "
        "models with rules for that, such as the default; about doubles the time per image",
        effect=Effect.CONFIGURE,
    )
    use_depth: bool = setting(True, "computation of positions from the depth image")
    depth_sync_slop_s: float = setting(
        DEPTH_SYNC_SLOP_S,
        "largest stamp difference of image and depth, if no depth image has the image's stamp",
        range=(0.0, 10.0),
    )
    depth_is_registered: bool = setting(
        False,
        "the depth has the image's pixels even if its frame_id differs: for drivers that "
        "align depth to the image and keep the depth camera's frame_id",
    )
    image_from_depth: tuple[float, float, float, float, float, float, float] = setting(
        (0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0),
        "pose of the depth camera in the image's optical frame: x, y, z in metres and the "
        "quaternion x, y, z, w; with `depth/camera_info` its depth is then registered to the "
        "image; zeros: not known",
    )
    register_depth_by_tf: bool = setting(
        False,
        "pose of the depth camera from tf at the image's stamp, as `image_from_depth`; tf2_msgs "
        "must be installed",
        effect=Effect.ACTIVATE,
    )
    depth_min_m: float = setting(
        DEPTH_LIMITS_M[0], "nearest depth; nearer readings are ignored", range=(0.0, 100.0)
    )
    depth_max_m: float = setting(
        DEPTH_LIMITS_M[1], "farthest depth; farther readings are ignored", range=(0.0, 1000.0)
    )
    up: tuple[float, float, float] = setting(
        (0.0, 0.0, 0.0),
        "direction against gravity in the image's optical frame (x right, y down, z forward), for "
        "upright object boxes; `[0.0, -1.0, 0.0]` for a level camera; zeros: not known, and the "
        "boxes have the camera's axes (`box_upright` false)",
    )
    target_frame: str = setting(
        "",
        "frame in which the objects are given a second time, such as `map` or `base_link`, by tf "
        "at the image's stamp: fields `target_...` of a result and topics `~/target/...`; empty: "
        "the camera's frame alone",
    )
    gravity_frame: str = setting(
        "",
        "frame of tf whose z axis points against gravity, such as `odom`: it tells at every "
        "stamp what `up` says for a camera that never tilts; empty: `up`",
    )
    tf_timeout_s: float = setting(
        0.1,
        "longest wait for the transforms of an image's stamp; the next image is processed "
        "meanwhile",
        range=(0.0, 10.0),
    )
    publish_tf: bool = setting(
        False,
        "a transform on `/tf` from `target_frame`, or else the camera's frame, to the object, "
        "named after the node: `evf_sam_object`; tf2_msgs must be installed",
        effect=Effect.CONFIGURE,
    )
    stand_off_m: float = setting(
        0.6,
        "distance of `~/approach_pose` from the middle of the object, along the ground; it must "
        "be more than the object reaches on that side",
        range=(0.0, 100.0),
    )
    approach_from: str = setting(
        "camera",
        "side of `~/approach_pose`: `camera`, from where the camera sees the object; `yaw`, so "
        "that the robot looks along `approach_yaw_rad`",
        choices=("camera", "yaw"),
    )
    approach_yaw_rad: float = setting(
        0.0,
        "direction in which the robot looks at `~/approach_pose`, about the z axis of "
        "`target_frame`, by `approach_from`",
        range=(-7.0, 7.0),
    )
    ground_z_m: float = setting(
        0.0, "height of the ground in `target_frame`, for `~/approach_pose`", range=(-1e4, 1e4)
    )
    cameras: tuple[str, ...] = setting(
        (),
        "names of several cameras that share the model, such as `[head, wrist]`: each has the "
        "topics and services of this table below its name, `head/image` and `~/head/result`, and "
        "a node for its parameters, `evf_sam/head`; empty: one camera, without a name",
        effect=Effect.CONFIGURE,
    )
    classes: tuple[str, ...] = setting(
        (),
        "names of the classes of `~/semantic/...`, such as `[floor, cable, person]`; their ids "
        "are 1, 2, 3 and stay while the node runs; `~/set_classes` changes them as well",
    )
    semantic_period_s: float = setting(
        0.5,
        "time from one detection of the classes to the next; in the images between, what was "
        "detected is followed by optical flow; 0: every mask is a detection",
        range=(0.0, 60.0),
    )
    latency_budget_s: float = setting(
        0.5,
        "limit of the p95 from stamp to result, above which the diagnostics warn; 0: none",
        range=(0.0, 60.0),
    )
    offline: bool = setting(
        True,
        "use of downloaded Hugging Face models only; false: download them",
        effect=Effect.CONFIGURE,
    )
    autostart: bool = setting(
        True,
        "the node configures and activates itself, without a lifecycle manager",
        effect=Effect.START,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.depth_min_m >= self.depth_max_m:
            raise ValueError(
                f"depth_min_m is {self.depth_min_m}, need less than depth_max_m, "
                f"which is {self.depth_max_m}"
            )
        rigid_transform(self.image_from_depth)
        check_names(self.classes)
        if len(self.up) != 3 or not all(map(isfinite, self.up)):
            raise ValueError(f"up is {list(self.up)}, need three finite numbers")


def depth_options(parameters: NodeParameters, rectified: bool) -> DepthOptions:
    """Return the depth options that the parameters set."""
    placed = rigid_transform(parameters.image_from_depth)
    registration = Registration(parameters.depth_is_registered, placed)
    by_tf = parameters.register_depth_by_tf
    return DepthOptions(parameters.depth_sync_slop_s, rectified, registration, by_tf)
