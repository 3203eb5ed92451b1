"""InstanceVG: instances by queries that start at points which the words choose."""
