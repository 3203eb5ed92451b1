"""The only layer that knows ROS: nodes, messages, parameters."""
