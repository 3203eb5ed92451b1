"""A simulated household: everyday things of our own geometry on tables and floors."""
