"""Calibration of a model by the node's own first images, without labels.

The images are taken at intervals. Each is asked on the inference thread, between other work.
"""

from collections.abc import Callable
from functools import partial
from time import monotonic

from rclpy.impl.rcutils_logger import RcutilsLogger

from evf_sam_ros.perception.calibration_store import store
from evf_sam_ros.perception.label_free import LabelFree
from evf_sam_ros.perception.model_folder import model_folder
from evf_sam_ros.perception.predictor import Predictor
from evf_sam_ros.ros.conversions import Rgb
from evf_sam_ros.ros.node.replies import Frame

PICTURES = 20
INTERVAL_S = 1.0  # between them: neighbours show the same


class SelfCalibration:
    """Takes images until there are enough of them to calibrate the model."""

    def __init__(
        self,
        predictor: Predictor,
        model: str,
        read: Callable[[Frame], Rgb],
        put_chore: Callable[[Callable[[], object]], None],
        log: RcutilsLogger,
        *,
        pictures: int = PICTURES,
        interval_s: float = INTERVAL_S,
    ) -> None:
        """Prepare to take images.

        Args:
            predictor: the model without a calibration.
            model: its name, by which its folder is found.
            read: decodes an image; its ValueError leaves the image out.
            put_chore: runs something on the inference thread.
            log: the node's logger.
            pictures: number of usable images that are needed.
            interval_s: least time between two images, in seconds.

        Raises:
            ValueError: the model reads too few of the phrases that are asked.
        """
        self._growing = LabelFree(predictor)
        self._predictor = predictor
        self._model = model
        self._read = read
        self._put_chore = put_chore
        self._log = log
        self._needed = pictures
        self._interval_s = interval_s
        self._next = 0.0  # steady seconds
        self._asking = False
        self.done = False

    @property
    def wants_images(self) -> bool:
        """Tell whether images are to be offered as they arrive."""
        return not self.done

    def offer(self, frame: Frame) -> None:
        """Take an image that has just arrived, if one is wanted now."""
        now = monotonic()
        if self.done or self._asking or now < self._next:
            return
        self._next, self._asking = now + self._interval_s, True
        self._put_chore(partial(self._ask, frame))

    def _ask(self, frame: Frame) -> None:
        try:
            if self._growing.add(self._read(frame)):
                self._log.info(
                    f"Self-calibration: {self._growing.pictures} of {self._needed} images",
                    throttle_duration_sec=5.0,
                )
            if self._growing.pictures >= self._needed:
                self._finish()
        except ValueError as error:
            self._log.warning(
                f"Self-calibration leaves an image out: {error}", throttle_duration_sec=5.0
            )
        finally:
            self._asking = False

    def _finish(self) -> None:
        self.done = True
        calibration = self._growing.calibration()
        self._predictor.calibrate(calibration)
        try:
            kept = f"kept in {store(model_folder(self._model, offline=True), calibration)}"
        except OSError as error:
            kept = f"not kept for the next start: {error}"
        self._log.info(f"The model is calibrated by {self._growing.pictures} images, {kept}")


def self_calibration(
    predictor: Predictor,
    model: str,
    read: Callable[[Frame], Rgb],
    put_chore: Callable[[Callable[[], object]], None],
    log: RcutilsLogger,
) -> SelfCalibration | None:
    """Return what calibrates a model, None for one that is calibrated or cannot be.

    The arguments are those of `SelfCalibration`.
    """
    if predictor.calibrated:
        return None
    try:
        return SelfCalibration(predictor, model, read, put_chore, log)
    except ValueError as error:
        log.error(f"The model cannot calibrate itself: {error}")
        return None
