"""The error for pictures that are incomplete or damaged."""


class DamagedImageError(ValueError):
    """A picture that is not whole: its message has the word `image_damaged`."""

    def __init__(self, trouble: str, file: str = "") -> None:
        """Make the message.

        Args:
            trouble: the decoder's complaint.
            file: the picture's file; empty for a camera's picture.
        """
        if trouble[1:2].islower():  # not PNG
            trouble = trouble[0].lower() + trouble[1:]
        self.trouble = trouble
        start = f"{file!r} is not a picture that is whole: " if file else ""
        super().__init__(f"{start}image_damaged: {trouble}")
