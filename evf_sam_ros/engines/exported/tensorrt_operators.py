"""ONNX operators that TensorRT 10.0 takes.

From the table of operators of onnx-tensorrt 10.0 (Apache-2.0): names, number formats, and the
restrictions that can be read from a file. Whether TensorRT runs a graph, and right, only the
replay of the recorded answers on the device tells.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_FLOATS = frozenset({"FLOAT", "FLOAT16", "BFLOAT16"})
_NUMBERS = _FLOATS | {"INT32", "INT64"}
_ALL = _NUMBERS | {"BOOL"}
_FORMATS = {  # of the first output
    _FLOATS: "Acos Acosh Asin Asinh Atan Atanh AveragePool BatchNormalization Ceil Celu Clip Conv "
    "ConvTranspose Cos Cosh CumSum Dropout Einsum Elu Erf Exp Floor GRU Gemm "
    "GlobalAveragePool GlobalLpPool GlobalMaxPool GroupNormalization HardSigmoid "
    "HardSwish Hardmax ImageScaler InstanceNormalization LRN LSTM LayerNormalization "
    "LeakyRelu Log LogSoftmax LpNormalization LpPool MatMul MaxPool "
    "MeanVarianceNormalization PRelu ParametricSoftplus Pow QuantizeLinear RNN "
    "RandomNormal RandomNormalLike RandomUniform RandomUniformLike Reciprocal Resize "
    "Round ScaledTanh Scan Selu Sigmoid Sin Sinh Softmax Softplus Softsign Sqrt Tan Tanh "
    "ThresholdedRelu Upsample",
    _FLOATS - {"BFLOAT16"}: "DeformConv GridSample Mish NonMaxSuppression NonZero RoiAlign",
    _NUMBERS: "Abs Add ArgMax ArgMin DepthToSpace Div Gelu Max Mean Min Mod Mul Neg Pad Range "
    "ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin "
    "ReduceProd ReduceSum ReduceSumSquare Relu Scatter ScatterElements ScatterND Shrink "
    "Sign SpaceToDepth Sub Sum TopK",
    frozenset(
        {"BOOL"}
    ): "And Equal Greater GreaterOrEqual IsInf IsNaN Less LessOrEqual Not Or Xor",
    _ALL: "Concat Constant ConstantOfShape Expand EyeLike Flatten Gather GatherElements "
    "GatherND Identity If Loop OneHot Reshape ReverseSequence Shape Size Slice Split "
    "Squeeze Tile Transpose Trilu Unsqueeze Where",
    _ALL | {"UINT8"}: "Cast CastLike",
}
OPERATORS = {name: formats for formats, names in _FORMATS.items() for name in names.split()}
# Inputs, by place, that must be known when the engine is built.
_KNOWN = {
    "InstanceNormalization": 1,
    "Slice": 3,
    "Squeeze": 1,
    "Unsqueeze": 1,
    "ReduceMean": 1,
    "Pad": 3,
}
_ONE_OUTPUT = ("LayerNormalization", "MaxPool")
_DOMAINS = ("", "ai.onnx")
_NEWEST_OPSET = 20


def findings(path: Path) -> list[str]:
    """Return what TensorRT 10.0 does not take of a graph, with how often; empty: nothing."""
    import onnx

    model = onnx.load(str(path), load_external_data=False)
    found = Counter(
        f"opset {each.version} of {each.domain or 'onnx'}"
        for each in model.opset_import
        if each.domain not in _DOMAINS or each.version > _NEWEST_OPSET
    )
    found.update(f"operator {node.op_type}" for node in model.graph.node if not _is_listed(node))
    if not found:  # else formats cannot be inferred
        graph = onnx.shape_inference.infer_shapes(model).graph
        found.update(each for node in graph.node for each in _restrictions(node, graph))
    return [f"{what} ({count})" for what, count in found.items()]


def _is_listed(node: Any) -> bool:
    return node.domain in _DOMAINS and node.op_type in OPERATORS


def _restrictions(node: Any, graph: Any) -> Iterator[str]:
    name = node.op_type
    taken = _format(node.output[0], graph)
    if taken is not None and taken not in OPERATORS[name]:
        yield f"{name} of {taken}"
    place = _KNOWN.get(name)
    if place is not None and len(node.input) > place and not _is_known(node.input[place], graph):
        yield f"{name} with computed axes or scales"
    if name in _ONE_OUTPUT and any(node.output[1:]):
        yield f"{name} with a second output"


def _format(name: str, graph: Any) -> str | None:
    import onnx

    for value in (*graph.value_info, *graph.output):
        if value.name == name and value.type.tensor_type.elem_type:
            return str(onnx.TensorProto.DataType.Name(value.type.tensor_type.elem_type))
    return None


def _is_known(name: str, graph: Any) -> bool:
    if not name or any(each.name == name for each in graph.initializer):
        return True
    return any(node.op_type == "Constant" and name in node.output for node in graph.node)
