"""The segmentation node: a lifecycle node with one inference thread and one publishing thread."""
