"""`make demo`: the simulated camera, the node and a report."""
