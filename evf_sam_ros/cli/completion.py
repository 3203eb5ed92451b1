"""`evf-sam completion`: a script that completes subcommands, options and files in a shell."""

import argparse
from pathlib import Path

SHELLS = ("bash", "zsh", "tcsh")
EXAMPLES = """\
examples:
  evf-sam completion bash > ~/.local/share/bash-completion/completions/evf-sam
  evf-sam completion zsh > ~/.zfunc/_evf-sam        with ~/.zfunc in fpath
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Declare which shell the script is for."""
    parser.add_argument("shell", choices=SHELLS, help="shell that will read the script")


def run(arguments: argparse.Namespace, parser: argparse.ArgumentParser) -> None:
    """Print the script for the whole command line, `parser`."""
    import shtab

    _complete_files(parser, shtab.FILE)
    print(shtab.complete(parser, shell=arguments.shell))


def _complete_files(parser: argparse.ArgumentParser, files: object) -> None:
    """Make every argument that is a path complete to file names, in all subcommands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for subparser in action.choices.values():
                _complete_files(subparser, files)
        elif action.type is Path:
            action.complete = files  # type: ignore[attr-defined]  # read by shtab
