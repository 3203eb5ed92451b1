"""Engines: faster ways to run a model of `models` that give the same answers."""
