"""A model as three ONNX graphs with recorded answers, and the engines that run such files."""
