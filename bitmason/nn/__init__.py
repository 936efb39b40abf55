"""Train networks whose weights have few values, for the engine `ras`; needs `bitmason[brevitas]`.

    from bitmason.nn import FORMS, clipped, nary

    layer = brevitas.nn.QuantConv2d(32, 64, 3, bias=False, weight_quant=nary(FORMS["ternary"]))
    relu = brevitas.nn.QuantIdentity(act_quant=clipped(3.0, bits=8))

Invariant: what a layer multiplies by in training is, in every forward pass, what the compiler reads
from its export: integers of a fixed-point grid. Nothing in `bitmason` imports this package.
"""

from bitmason.diagnostics import fail

try:
    from bitmason.nn.activations import clipped
    from bitmason.nn.clusters import Clusters, MaxThreshold, NestedMeans, Quantiles
    from bitmason.nn.coded import CodedQuant
    from bitmason.nn.forms import FORMS, TERNARY, Form
    from bitmason.nn.layers import CodedLayer, coded_layers
    from bitmason.nn.weights import CodedWeight, nary, quantile, ttq
except ImportError as error:
    fail(
        "F017",
        f"PyTorch and Brevitas cannot be imported: {error}",
        help="pip install 'bitmason[brevitas]'",
    )

__all__ = [
    "FORMS",
    "TERNARY",
    "Clusters",
    "CodedLayer",
    "CodedQuant",
    "CodedWeight",
    "Form",
    "MaxThreshold",
    "NestedMeans",
    "Quantiles",
    "clipped",
    "coded_layers",
    "nary",
    "quantile",
    "ttq",
]
