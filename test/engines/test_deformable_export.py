"""Deformable attention as plain operators: ONNX Runtime gives what torch gives."""

import numpy as np
import pytest
import torch

pytest.importorskip("onnxruntime", reason="optional: pip install '.[onnxruntime]'")

import onnxruntime

from evf_sam_ros.engines.exported.onnx_graphs import OPSET
from evf_sam_ros.models.bridge.deformable import DeformableAttention

SIZES = [(8, 6), (4, 3)]


class OfOwnPlaces(torch.nn.Module):
    """Queries whose places differ from picture to picture, as InstanceVG's."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(4)
        self.attention = DeformableAttention(16, levels=2, heads=4, points=3)
        for weights in self.attention.parameters():
            torch.nn.init.normal_(weights, std=0.5)

    def forward(self, queries, places, values):
        return self.attention(queries, places, values, SIZES)


def test_onnx_runtime_samples_as_torch_does_also_outside_of_the_picture(tmp_path):
    module = OfOwnPlaces().eval()
    random = torch.Generator().manual_seed(5)
    queries = torch.randn(2, 5, 16, generator=random)
    places = 1.8 * torch.rand(2, 5, 2, generator=random)  # InstanceVG's references exceed 1
    values = torch.randn(2, sum(h * w for h, w in SIZES), 16, generator=random)
    path = tmp_path / "deformable.onnx"
    program = torch.onnx.export(
        module, (queries, places, values), dynamo=True, opset_version=OPSET, verbose=False
    )
    program.save(str(path))
    assert {node.domain for node in program.model_proto.graph.node} <= {"", "ai.onnx"}
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    given = dict(zip(names, (each.numpy() for each in (queries, places, values)), strict=True))
    (computed,) = session.run(None, given)
    with torch.no_grad():
        expected = module(queries, places, values).numpy()
    np.testing.assert_allclose(computed, expected, rtol=1e-4, atol=1e-4)
    inside = module(queries, places.clamp(0, 1), values).detach().numpy()
    assert not np.allclose(computed, inside, rtol=1e-2, atol=1e-2)  # the outside reads zeros
