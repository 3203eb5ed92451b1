"""The `evf-sam` command line: one module for each subcommand."""

from evf_sam_ros.cli.command_line import main

__all__ = ["main"]
