"""The default interval of regrounding; imports nothing, so that `--help` is instant."""

REGROUND_EVERY = 30  # frames
