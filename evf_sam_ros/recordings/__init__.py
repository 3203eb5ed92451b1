"""What the node would have answered on a recording, frame by frame, without ROS."""
