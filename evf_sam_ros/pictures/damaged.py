"""The error for pictures that are incomplete or damaged."""


class DamagedImageError(ValueError):
    """A picture that is not whole: its message begins with `image_damaged`."""

    def __init__(self, trouble: str) -> None:
        """Make the message.

        Args:
            trouble: the decoder's complaint.
        """
        if trouble[1:2].islower():  # not PNG
            trouble = trouble[0].lower() + trouble[1:]
        super().__init__(f"image_damaged: {trouble}")
