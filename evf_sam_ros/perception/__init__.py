"""A picture and words in, masks and places out: NumPy, no ROS."""
