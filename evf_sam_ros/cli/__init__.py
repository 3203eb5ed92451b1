"""The `evf-sam` command line: one module for each subcommand."""

from evf_sam_ros.cli.command_line import USER_ERROR, main

__all__ = ["USER_ERROR", "main"]
