"""Objects in another frame than the camera's: a map's, a base's, one that knows gravity."""

from dataclasses import dataclass, replace

import numpy as np

from evf_sam_ros.perception.boxes import quaternion_xyzw, rotation_matrix
from evf_sam_ros.perception.camera_model import transform
from evf_sam_ros.perception.geometry import Floats, Location


@dataclass(frozen=True)
class Placement:
    """Pose of the camera at the stamp of an image, as far as tf tells."""

    target_frame: str = ""  # empty: none is asked for
    target_from_image: Floats | None = None  # (4, 4)
    up: Floats | None = None  # (3,) against gravity, in the image's optical frame
    status: str = ""  # why one of these is missing that is asked for


UNPLACED = Placement()


def moved(place: Location, target_from_source: Floats) -> Location:
    """Return a location in another frame, given (4, 4) of a rigid transform."""
    rotation = target_from_source[:3, :3]
    position, center = transform(
        target_from_source, np.stack([place.position_m, place.box.center_m])
    )
    turned = rotation @ rotation_matrix(place.box.orientation_xyzw)
    box = replace(place.box, center_m=center, orientation_xyzw=quaternion_xyzw(turned))
    covariance = rotation @ place.covariance_m2 @ rotation.T
    return replace(place, position_m=position, covariance_m2=covariance, box=box)
