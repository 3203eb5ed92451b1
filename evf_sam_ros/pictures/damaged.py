"""What is raised for pictures of which a part was lost on the way."""


class DamagedImageError(ValueError):
    """A picture that is not whole: its message begins with `image_damaged`."""

    def __init__(self, trouble: str) -> None:
        """Take what the decoder stumbled over."""
        if trouble[1:2].islower():  # not PNG
            trouble = trouble[0].lower() + trouble[1:]
        super().__init__(f"image_damaged: {trouble}")
