"""The model as it is written, in the form of an engine: what all others are compared with."""

from evf_sam_ros.models.evf_sam import EvfSam


class PlainEngine:
    """The model's own three steps."""

    name = "plain"

    def __init__(self, model: EvfSam) -> None:
        self.prompt = model.prompt
        self.encode = model.segmenter.encode
        self.decode = model.segmenter.decode
