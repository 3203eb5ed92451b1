"""The simulated tabletop: scenes, depth noise and a grammar that knows the truth."""
