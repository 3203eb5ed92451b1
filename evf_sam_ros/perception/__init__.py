"""Perception: an image and words become masks and places in space, with NumPy and without ROS."""
