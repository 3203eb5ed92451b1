"""Engines that pay on a GPU only; none of them has been measured on one yet."""
