"""How a model learns: data, losses, the trainer and its recipes."""
