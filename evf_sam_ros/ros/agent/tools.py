"""The server of the Model Context Protocol: four tools on the running node."""

from collections.abc import Callable
from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.types import ToolAnnotations
from pydantic import Field

from evf_sam_ros import __version__
from evf_sam_ros.ros.agent import tool_answers as answers
from evf_sam_ros.ros.agent.node_client import Found, NoAnswerError, NodeClient

INSTRUCTIONS = (
    "Find objects in a robot's camera image by words. A status other than FOUND means that the "
    "robot must not act: NOT_FOUND, AMBIGUOUS (ask which of the candidates), UNSUITABLE_IMAGE "
    "(nothing can be said about this picture), LOW_CONFIDENCE, NO_FRAME, STALE_FRAME, "
    "COMMAND_REJECTED, NO_NODE. Positions are metres in frame_id: x right, y down, z forward."
)
ANSWER_S = 30.0  # for one image; large models on a CPU take long
READ_ONLY = ToolAnnotations(read_only_hint=True, open_world_hint=False)

Sentence = Annotated[
    str,
    Field(
        min_length=1,
        max_length=500,
        description="what to look for, as a person would say it: 'the red mug on the left'",
    ),
]
Seconds = Annotated[float, Field(gt=0, le=120, description="longest wait, seconds")]
Images = Annotated[int, Field(ge=1, le=30, description="images in a row that must agree")]


def make_server(client: NodeClient) -> MCPServer:
    """Return a server whose tools ask the node; none reads or writes a file."""
    server = MCPServer("evf_sam", instructions=INSTRUCTIONS, version=__version__)

    @server.tool(annotations=READ_ONLY)
    def locate(
        sentence: Sentence, timeout_s: Seconds = 10.0, images: Images = 3
    ) -> dict[str, Any]:
        """Find one object and its position; several images in a row must agree on it."""
        return _told(answers.plain, lambda: client.find(sentence, timeout_s, images))

    @server.tool(annotations=READ_ONLY)
    def is_there(sentence: Sentence) -> dict[str, Any]:
        """Answer whether something is in the newest image: yes, no or unknown."""
        return _told(answers.presence, lambda: client.segment(sentence, ANSWER_S))

    @server.tool(annotations=READ_ONLY)
    def segment(sentence: Sentence) -> dict[str, Any]:
        """Find an object in the newest image, with the outlines of its mask in pixels."""
        return _told(answers.outlined, lambda: client.segment(sentence, ANSWER_S))

    @server.tool(annotations=READ_ONLY)
    def list_candidates(sentence: Sentence) -> dict[str, Any]:
        """List every object in the newest image that fits, each with a description of its own."""
        return _told(answers.candidates, lambda: client.segment(sentence, ANSWER_S))

    return server


def _told(form: Callable[[Found], dict[str, Any]], ask: Callable[[], Found]) -> dict[str, Any]:
    try:
        return form(ask())
    except NoAnswerError as error:
        return {"status": "NO_NODE", "message": str(error), "answer": "unknown"}
