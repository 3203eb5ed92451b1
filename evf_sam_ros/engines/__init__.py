"""Faster ways to run a model whose answers are the same: `models` says what, this says how."""
