"""Which ONNX operators can be imported, and by which function.

Invariant: a file in `nodes/` registers what it handles; there is no list to edit. The domains that
exporters have used for the same operators are treated alike.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bitmason.diagnostics import did_you_mean

if TYPE_CHECKING:
    from bitmason.frontend.context import Context
    from bitmason.frontend.node_view import NodeView
    from bitmason.frontend.values import Value

    Handler = Callable[[NodeView, Context], Value | Sequence[Value]]

HANDLERS: dict[str, Handler] = {}

DOMAINS = frozenset(
    {
        "",
        "ai.onnx",
        "qonnx.custom_op.general",
        "qonnx.custom_op.channels_last",
        "onnx.brevitas",
        "finn.custom_op.general",
        "bitmason.onnx_ops",
    }
)

# What a user can reach for instead, where the spelling would not tell.
_NEAREST = {
    "Einsum": "MatMul",
    "MatMulInteger": "MatMul",
    "ConvInteger": "Conv",
    "QLinearConv": "Conv",
    "DeformConv": "Conv",
    "Col2Im": "ConvTranspose",
    "MaxUnpool": "Resize",
    "LpPool": "AveragePool",
    "GlobalLpPool": "GlobalAveragePool",
    "MaxRoiPool": "MaxPool",
    "GridSample": "Resize",
    "GatherElements": "Gather",
    "GatherND": "Gather",
    "QLinearMatMul": "MatMul",
    "QGemm": "Gemm",
    "DynamicQuantizeLinear": "QuantizeLinear",
    "LayerNormalization": "BatchNormalization",
    "InstanceNormalization": "BatchNormalization",
    "GroupNormalization": "BatchNormalization",
    "LogSoftmax": "Softmax",
    "Gelu": "Relu",
    "HardSwish": "HardSigmoid",
    "Mish": "Softplus",
    "Selu": "Elu",
    "Erf": "Tanh",
    "QuantLSTMCell": "Gemm",
    "LSTM": "Gemm",
    "GRU": "Gemm",
    "RNN": "Gemm",
    "Sqrt": "Relu",
    "Pow": "Mul",
    "Log": "Softplus",
}
_CONTROL_FLOW = frozenset({"If", "Loop", "Scan", "SequenceMap"})


def imports(*op_types: str) -> Callable[[Handler], Handler]:
    """Register the decorated function as the importer of these operators."""

    def register(handler: Handler) -> Handler:
        for op_type in op_types:
            assert op_type not in HANDLERS, f"two importers for {op_type}"
            HANDLERS[op_type] = handler
        return handler

    return register


def nearest(op_type: str) -> str:
    """Return a help line that names the supported operator nearest to `op_type`."""
    if op_type in _CONTROL_FLOW:
        return "a pipeline has no control flow: export the model with all branches decided"
    if op_type in _NEAREST:
        return f"the nearest supported operator is {_NEAREST[op_type]}"
    guess = did_you_mean(op_type, HANDLERS)
    return guess or f"supported operators: {', '.join(sorted(HANDLERS))}"
