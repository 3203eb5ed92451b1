"""The current stream of a GPU, for stand-ins of `torch.cuda`."""

from contextlib import contextmanager


class CurrentStream:
    """Has a stream, and another while it is chosen."""

    def __init__(self, stream):
        self.current = stream

    def current_stream(self, device=None):
        return self.current

    @contextmanager
    def stream(self, stream):
        before, self.current = self.current, stream
        try:
            yield
        finally:
            self.current = before
