"""The operator's web page: shows images and answers, and sends commands to the node."""
