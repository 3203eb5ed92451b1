"""Evaluation: metrics of a model's answers and the protocols that use them."""
