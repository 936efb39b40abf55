from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from onnx import TensorProto

from tests.frontend.onnx_models import (
    Net,
    assert_equal_to_executor,
    dense_net,
    diagnostic,
    executor,
    golden,
    imported,
    names_of,
    on_grid,
)

X = on_grid(40, 4)


@pytest.mark.parametrize(("opset", "axis"), [(11, 1), (14, 1), (14, -1), (9, None)])
def test_softmax(opset: int, axis: int | None) -> None:
    net, logits = dense_net()
    net.opset = opset
    net.node("Softmax", logits, **({} if axis is None else {"axis": axis}))
    ours, theirs = golden(net.model(), X)[0], executor(net.model(), X)[0]
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize("keepdims", [0, 1])
def test_arg_max_takes_the_lowest_index_of_a_tie(keepdims: int) -> None:
    net, logits = dense_net(bits=1.0)
    net.node("ArgMax", logits, axis=1, keepdims=keepdims)
    assert_equal_to_executor(net.model(elem=TensorProto.INT64), X)


@pytest.mark.parametrize("k_as", ["operand", "attribute"])
def test_top_k(k_as: str) -> None:
    net, logits = dense_net()
    net.opset = 14 if k_as == "operand" else 9
    if k_as == "operand":
        top = net.node("TopK", logits, net.const(np.array([2], np.int64)), outputs=2)
    else:
        top = net.node("TopK", logits, k=2, outputs=2)
    model = net.model(top, f"{top}b")
    model.graph.output[1].type.tensor_type.elem_type = TensorProto.INT64
    values, indices = golden(model, X)
    their_values, _ = executor(model, X)
    np.testing.assert_array_equal(values.astype("f4"), their_values)
    logits_of = golden(net.model(logits), X)[0]
    np.testing.assert_array_equal(np.take_along_axis(logits_of, indices, axis=1), values)


def test_unread_half_of_top_k_vanishes() -> None:
    net, logits = dense_net()
    top = net.node("TopK", logits, net.const(np.array([1], np.int64)), outputs=2)
    assert names_of(imported(net.model(f"{top}b")).graph).count("top_k") == 1


def test_outputs_lead_to_their_onnx_tensors() -> None:
    net, logits = dense_net()
    best = net.node("ArgMax", logits, axis=-1)
    found = imported(net.model(logits, best))
    assert [found.tensors[name] for name in found.graph.outputs] == [logits, best]


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("Softmax", {"axis": 0}, "Softmax along axis 0 of a tensor of 2 axes, the batch first"),
    ("ArgMax", {"axis": 0}, "ArgMax along axis 0 of a tensor of 2 axes, the batch first"),
    (
        "ArgMax",
        {"axis": 1, "select_last_index": 1},
        "ArgMax with select_last_index, only the first index is supported",
    ),
    ("TopK", {"largest": 0}, "TopK is supported for the largest elements in sorted order only"),
    ("TopK", {"k": 7}, "TopK needs one k from 1 to 3"),
]


@pytest.mark.parametrize(("op", "attributes", "message"), REFUSED)
def test_refused_forms(op: str, attributes: dict[str, Any], message: str) -> None:
    net, logits = dense_net()
    net.node(op, logits, **attributes)
    assert diagnostic(net.model()) == f"net.onnx#n3: error[F014]: {message}"


def test_softmax_over_several_axes() -> None:
    net = Net(1, 2, 3, opset=11)
    net.node("Softmax", net.quant("x"), axis=1)
    assert diagnostic(net.model()) == (
        "net.onnx#n1: error[F014]: Softmax over all axes from 1 on, only the last is supported"
    )


def test_activation_function_of_a_label() -> None:
    net, logits = dense_net()
    net.node("Relu", net.node("ArgMax", logits, axis=1))
    assert diagnostic(net.model()) == (
        "net.onnx#n4: error[F014]: operand 0 of Relu must be a real-valued activation"
    )
