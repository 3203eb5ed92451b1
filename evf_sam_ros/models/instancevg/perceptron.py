"""The perceptron of three linear layers that several heads of InstanceVG have."""

from torch import nn


def perceptron(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Return three linear layers with ReLU between them."""
    return nn.Sequential(
        *(nn.Linear(inputs, width), nn.ReLU()),
        *(nn.Linear(width, width), nn.ReLU()),
        nn.Linear(width, outputs),
    )
