"""Defaults that node, command line, recordings and library share; imports nothing slow."""

REGROUND_EVERY = 30  # frames of a video between two questions to the model
LEAST_AREA_PX = 64  # smaller masks and parts of masks do not count
DEPTH_SYNC_SLOP_S = 0.03  # largest difference between the stamps of an image and its depth
DEPTH_LIMITS_M = (0.1, 10.0)  # nearer and farther readings are not believed
