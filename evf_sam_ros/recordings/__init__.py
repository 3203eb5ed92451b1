"""The node's answers to a recording, frame by frame, without ROS."""
