"""`evf-sam parse`: what becomes of a sentence. Loads a vocabulary, and no weights."""

import argparse
import json
from pathlib import Path
from typing import Any

SUMMARY = "show what the node understands of a sentence"
EXAMPLES = """\
examples:
  evf-sam parse "could you put the red mug in the sink, please?"
  evf-sam parse "no, the blue one" --previous "the red mug"
  evf-sam parse "red mug. blue bowl." --json
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the sentence, what it may refer to, and whose vocabulary is asked."""
    parser.add_argument("sentence", help="sentence as spoken or typed")
    parser.add_argument(
        "--previous",
        action="append",
        default=[],
        metavar="EXPRESSION",
        help="expression of the active command; may be repeated, the last mentioned last",
    )
    parser.add_argument(
        "--model",
        default="default",
        metavar="DIR_OR_NAME",
        help="model whose vocabulary decides which words are unknown (default: %(default)s)",
    )
    parser.add_argument("--json", action="store_true", help="JSON instead of text")


def run(arguments: argparse.Namespace) -> None:
    """Print kind, expressions, whether each means several, and words that the model lacks."""
    from evf_sam_ros.perception.model_folder import model_folder

    parsed = parsed_sentence(arguments.sentence, arguments.previous, model_folder(arguments.model))
    if arguments.json:
        print(json.dumps(parsed, indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(parsed)))


def parsed_sentence(sentence: str, previous: list[str], folder: Path) -> dict[str, Any]:
    """Return what becomes of a sentence, for a model of which the vocabulary lies in a folder."""
    from evf_sam_ros.language.sentence import parse_command
    from evf_sam_ros.language.told_words import vocabulary_of

    command, vocabulary = parse_command(sentence, previous), vocabulary_of(folder)
    return {
        "sentence": sentence,
        "kind": command.kind,
        "reason": command.reason,
        "expressions": [
            {
                "expression": expression,
                "several": several,
                "unknown_words": vocabulary.unknown_words(expression),
                "read_as": {each.said: each.read for each in vocabulary.readings(expression)},
            }
            for expression, several in zip(command.expressions, command.several, strict=True)
        ],
    }


def _lines(parsed: dict[str, Any]) -> list[str]:
    lines = [parsed["kind"] + (f": {parsed['reason']}" if parsed["reason"] else "")]
    for each in parsed["expressions"]:
        line = f"  {each['expression']} ({'several' if each['several'] else 'one'})"
        for said, read in each["read_as"].items():
            line += f"; {said!r} " + (f"read as {read!r}" if read else "left out")
        if each["unknown_words"]:
            line += "; unknown: " + ", ".join(map(repr, each["unknown_words"]))
        lines.append(line)
    return lines
