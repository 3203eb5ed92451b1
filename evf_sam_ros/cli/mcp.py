"""`evf-sam mcp`: its options, and the start of the server. Imports nothing slow itself."""

import argparse
from contextlib import closing
from typing import Any

from evf_sam_ros.cli.option_types import between

SUMMARY = "offer the running node to language models, by the Model Context Protocol"
EXAMPLES = """\
examples:
  evf-sam mcp                      on standard input and output, as most clients start it
  evf-sam mcp --namespace /robot1  of a node in a namespace
  evf-sam mcp --port 8765          http://127.0.0.1:8765/mcp, on this machine alone

tools: locate, is_there, segment, list_candidates; docs/guides/agents.md explains them.
needs: pip install 'evf_sam_ros[mcp]', and a running node
"""
LOOPBACK = "127.0.0.1"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the node's name and the transport."""
    parser.add_argument("--namespace", default="/", help="namespace of the node (%(default)s)")
    parser.add_argument("--node", default="evf_sam", help="name of the node (%(default)s)")
    parser.add_argument(
        "--port",
        type=between(1, 65535),
        help="HTTP port on 127.0.0.1 instead of standard input and output",
    )


def run(arguments: argparse.Namespace) -> None:
    """Serve until the client leaves or Ctrl-C.

    Raises:
        ValueError: the library `mcp` or ROS 2 is missing.
    """
    try:
        import mcp  # noqa: F401
    except ModuleNotFoundError:
        raise ValueError("this needs the library mcp: pip install 'evf_sam_ros[mcp]'") from None
    try:
        from evf_sam_ros.ros.agent.node_client import NodeClient
    except ModuleNotFoundError as error:
        raise ValueError(
            f"this needs ROS 2 and this package's messages ({error.name} is missing): "
            "docs/guides/install.md"
        ) from None
    from evf_sam_ros.ros.agent.tools import make_server

    with closing(NodeClient(arguments.namespace, arguments.node)) as client:
        options: dict[str, Any] = {}
        if arguments.port is not None:
            options = {"host": LOOPBACK, "port": int(arguments.port)}
        make_server(client).run("streamable-http" if options else "stdio", **options)
