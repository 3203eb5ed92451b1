"""The SROS 2 policy of every program, generated from the interface."""

import argparse
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable, Sequence
from pathlib import Path

from evf_sam_ros.ros.interface import (
    ACTIONS,
    ALL_OUTPUTS,
    CAMERA_INFO,
    CANCEL,
    COMPRESSED_IMAGE,
    DEPTH,
    DIAGNOSTICS,
    IMAGE,
    INPUTS,
    OVERLAY,
    RESULT,
    SERVICES,
    SPEECH,
    TEXT_COMMAND,
)

NODE = "evf_sam"
HEADER = """\
<?xml version="1.0" encoding="UTF-8"?>
<!-- Made by `python -m evf_sam_ros.ros.security_policy`, a test compares. How to use it:
     docs/reference/security.md. Names are for the root namespace: change `ns` in another.
     A remapped input needs its own name here. -->
"""
# What every node has: parameters, its types, logging, time.
PARAMETERS = (
    "describe_parameters", "get_parameter_types", "get_parameters", "get_type_description",
    "list_parameters", "set_parameters", "set_parameters_atomically",
)  # fmt: skip
LIFECYCLE = (
    "change_state", "get_available_states", "get_available_transitions", "get_state",
    "get_transition_graph",
)  # fmt: skip
CAMERA = (IMAGE.name, DEPTH.name, CAMERA_INFO.name)

Rules = list[tuple[str, str, str, Iterable[str]]]  # list, item, permission, names


def policy(cameras: Sequence[str] = ()) -> str:
    """Return the policy file's content.

    Args:
        cameras: the node's parameter of that name.
    """
    root = ElementTree.Element("policy", version="0.2.0")
    enclaves = ElementTree.SubElement(root, "enclaves")
    for name, rules in profiles().items():
        enclave = ElementTree.SubElement(enclaves, "enclave", path=f"/{name}")
        group = ElementTree.SubElement(enclave, "profiles")
        _add_profile(group, "/", name, rules)
        for camera in cameras if name == NODE else ():
            _add_profile(group, f"/{NODE}", camera, _of_camera(rules, camera))
    ElementTree.indent(root)
    return HEADER + ElementTree.tostring(root, encoding="unicode") + "\n"


def _add_profile(group: ElementTree.Element, space: str, node: str, rules: Rules) -> None:
    profile = ElementTree.SubElement(group, "profile", ns=space, node=node)
    for kind, item, permission, names in [*rules, *_of_every_node()]:
        allowed = ElementTree.SubElement(profile, kind, {permission: "ALLOW"})
        for each in names:
            ElementTree.SubElement(allowed, item).text = each


def _of_camera(rules: Rules, camera: str) -> Rules:
    """Return the rules of a camera's node: inputs below its name, speech and commands to all."""
    return [
        (kind, item, permission, [name for each in names for name in _below(each, camera)])
        for kind, item, permission, names in rules
    ]


def _below(name: str, camera: str) -> list[str]:
    if name == SPEECH.name:
        return [f"/{name}"]
    for_all = [f"/{name}"] if name == TEXT_COMMAND.name else []
    return [*for_all, name if name[0] in "/~" else f"/{camera}/{name}"]


def profiles() -> dict[str, Rules]:
    """Return the rules of each node, beside those of every node."""
    images = (IMAGE.name, COMPRESSED_IMAGE.name)
    watched = [_beside(each.name) for each in (RESULT, OVERLAY)]
    outputs = [each.name for each in (*ALL_OUTPUTS, DIAGNOSTICS)]
    return {
        NODE: [
            ("topics", "topic", "subscribe", [each.name for each in INPUTS]),
            ("topics", "topic", "publish", [*outputs, "~/transition_event"]),
            ("services", "service", "reply", [each.name for each in SERVICES]),
            ("services", "service", "reply", [f"~/{each}" for each in LIFECYCLE]),
            ("actions", "action", "execute", [each.name for each in ACTIONS]),
        ],
        "evf_sam_page": [
            ("topics", "topic", "subscribe", [*images, *watched, DIAGNOSTICS.name]),
            ("topics", "topic", "publish", [TEXT_COMMAND.name]),
            ("services", "service", "request", [_beside(CANCEL.name)]),
        ],
        "sim_camera": [("topics", "topic", "publish", CAMERA)],
        "image_files": [("topics", "topic", "publish", (IMAGE.name, CAMERA_INFO.name))],
    }


def _of_every_node() -> Rules:
    return [
        ("topics", "topic", "publish", ("/rosout", "/parameter_events")),
        ("topics", "topic", "subscribe", ("/clock", "/parameter_events")),
        ("services", "service", "reply", [f"~/{each}" for each in PARAMETERS]),
    ]


def _beside(name: str) -> str:
    """Return a private name of the node as others in its namespace write it."""
    return name.replace("~", NODE)


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", type=Path, metavar="FILE", help="file for the policy")
    parser.add_argument(
        "--cameras", nargs="+", default=(), metavar="NAME", help="as the node's parameter"
    )
    arguments = parser.parse_args(argv)
    content = policy(arguments.cameras)
    if arguments.update is None:
        print(content, end="")
    else:
        arguments.update.write_text(content)


if __name__ == "__main__":
    main()
