"""Engines that only pay on a GPU; none of them has been measured on one yet."""
