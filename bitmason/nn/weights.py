# mypy: allow-subclassing-any
"""Weight quantisers for `weight_quant=` of Brevitas' layers, and how their weights are exported.

Invariant: the exported initialiser holds the values of the weights, not the latents behind them: a
Quant node rounds to a uniform grid and knows no intervals.
"""

from __future__ import annotations

from typing import Any

from brevitas.core.function_wrapper import Identity
from brevitas.export.onnx.qonnx.handler import BrevitasWeightQuantProxyHandler
from brevitas.export.onnx.qonnx.manager import QONNXManager
from brevitas.inject import ExtendedInjector
from brevitas.proxy import WeightQuantProxyFromInjector

from bitmason.nn.clusters import Clusters, MaxThreshold, NestedMeans, Quantiles
from bitmason.nn.coded import CodedQuant
from bitmason.nn.forms import FORMS, Form

SCALE_BITS = 8
QUINARY_SHARES = (0.08, 0.17, 0.50, 0.17, 0.08)  # the best of Schindler, table 5.10


class CodedWeightProxy(WeightQuantProxyFromInjector):
    """The place of a `CodedQuant` in a layer."""

    @property
    def input_view_impl(self) -> Any:
        """Weights keep their shape."""
        return Identity()


class CodedWeightHandler(BrevitasWeightQuantProxyHandler):
    """Exports a layer's values in place of its latents."""

    handled_layer = CodedWeightProxy

    def symbolic_execution(self, x: Any) -> Any:
        """Return the Quant node of the values."""
        return super().symbolic_execution(self.quant_weight_values[x.data_ptr()])


QONNXManager.handlers.append(CodedWeightHandler)


class CodedWeight(ExtendedInjector):
    """Weights with few values; `nary`, `ttq` and `quantile` say which."""

    proxy_class = CodedWeightProxy
    tensor_quant = CodedQuant
    signed = True
    narrow_range = True


def nary(form: Form, t: float = 1.0, scale_bits: int = SCALE_BITS) -> Any:
    """Return a quantiser of n-ary weights, clustered by nested means.

    Args:
        form: one of `FORMS`.
        t: factor of the innermost thresholds: more makes more zeros.
        scale_bits: signed bits of a trained value.
    """
    return _coded(NestedMeans(form, t), scale_bits)


def ttq(t: float = 0.05, scale_bits: int = SCALE_BITS) -> Any:
    """Return a quantiser of ternary weights as TTQ trains them: threshold `t` of the largest.

    Args:
        t: part of the largest magnitude up to which a weight is zero.
        scale_bits: signed bits of a trained value.
    """
    return _coded(MaxThreshold(t), scale_bits, scaled_slopes=True)


def quantile(
    form: Form = FORMS["quinary"],
    shares: tuple[float, ...] = QUINARY_SHARES,
    scale_bits: int = SCALE_BITS,
) -> Any:
    """Return a quantiser of n-ary weights, clustered by quantiles of a normal distribution.

    Args:
        form: one of `FORMS`.
        shares: part of the weights that each interval shall hold, from the lowest.
        scale_bits: signed bits of a trained value.
    """
    return _coded(Quantiles(form, shares), scale_bits)


def _coded(clusters: Clusters, scale_bits: int, *, scaled_slopes: bool = False) -> Any:
    return CodedWeight.let(clusters=clusters, scale_bits=scale_bits, scaled_slopes=scaled_slopes)
