"""`evf-sam doctor`: checks of the machine, the ROS installation and the running graph."""
