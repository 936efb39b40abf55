"""Which part of a graph becomes hardware: forks, several outputs, orders that the host keeps."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from bitmason.backends.dataflow import build_design
from bitmason.backends.folding import Wiring
from bitmason.backends.hardware import WIRES, hardware_part
from bitmason.config import Config
from bitmason.diagnostics import CompileError, Loc
from bitmason.ir import Bipolar, Builder, Const, Graph, Int, Real, TensorType, UInt
from bitmason.ir.interp import run
from bitmason.ir.ops.arrange import Concat
from bitmason.ir.ops.bit import Bit
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.join import WeightedSum
from bitmason.ir.ops.quantise import Dequantise, Quantise
from bitmason.ir.ops.real import AddConst
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.partition import after, before, between

LOC = Loc("net.onnx", "node")
ONE, ZERO = Const(np.array(1.0)), Const(np.array(0.0))
SUM = WeightedSum(Const.integers(np.array([[1], [2]])))


def _dense(outputs: int, inputs: int) -> Dense:
    rng = np.random.default_rng(outputs)
    return Dense(Const.integers(rng.integers(-2, 3, (outputs, inputs))), Int(3))


class Net(Builder):
    """A builder that needs neither places nor lists."""

    def __init__(self) -> None:
        super().__init__("net")

    def real(self, *shape: int) -> str:
        return self.input("x", TensorType(shape, Real()), LOC)

    def integers(self, *shape: int) -> str:
        return self.input("x", TensorType(shape, UInt(4)), LOC)

    def bits(self, *shape: int) -> str:
        return self.input("x", TensorType(shape, Bipolar()), LOC)

    def quantise(self, x: str, name: str) -> str:
        return self.add(Quantise(ONE, ZERO, UInt(4)), [x], LOC, name)

    def dequantise(self, x: str, name: str) -> str:
        return self.add(Dequantise((Fraction(1),), (Fraction(0),)), [x], LOC, name)

    def dense(self, x: str, name: str, outputs: int = 4) -> str:
        inputs = self.type_of(x).shape[-1]
        return self.add(_dense(outputs, inputs), [x], LOC, name)


def _is_whole(graph: Graph) -> None:
    """Check that the host's parts and the hardware's make up the graph."""
    part = hardware_part(graph)
    (source,) = graph.inputs
    rng = np.random.default_rng(0)
    x = rng.integers(0, 2, (5, *source.type.shape))
    fed = x.astype(np.float32) if isinstance(source.type.elem, Real) else x
    if isinstance(source.type.elem, Bipolar):
        fed = 2 * x - 1
    (entering,) = run(before(graph, part.entry), {source.name: fed})
    leaving = run(between(graph, part.entry, part.exits), {part.entry: entering})
    found = run(after(graph, part.exits), dict(zip(part.exits, leaving, strict=True)))
    for wanted, each in zip(run(graph, {source.name: fed}), found, strict=True):
        np.testing.assert_array_equal(each, wanted)


def _shown(graph: Graph) -> tuple[list[str], str, tuple[str, ...]]:
    part = hardware_part(graph)
    _is_whole(graph)
    return [node.name for node in part.nodes], part.entry, part.exits


def test_a_chain_between_the_first_quantiser_and_the_last_integers() -> None:
    net = Net()
    y = net.dense(net.dense(net.quantise(net.real(6), "q"), "a"), "b")
    z = net.add(AddConst(ONE), [net.dequantise(y, "d")], LOC, "z")
    assert _shown(net.finish([z])) == (["a", "b"], "q", ("b",))


def test_a_shortcut_belongs_to_the_hardware() -> None:
    net = Net()
    q = net.quantise(net.real(4), "q")
    y = net.add(SUM, [net.dense(q, "a"), q], LOC, "sum")
    assert _shown(net.finish([y])) == (["a", "sum"], "q", ("sum",))


def test_every_value_that_the_host_reads_leaves() -> None:
    net = Net()
    a = net.dense(net.quantise(net.real(6), "q"), "a")
    b, c = net.dense(a, "b"), net.dense(a, "c")
    outputs = [net.dequantise(b, "d"), c, net.dequantise(a, "e")]
    assert _shown(net.finish(outputs)) == (["a", "b", "c"], "q", ("a", "b", "c"))


def test_the_entry_leaves_too_where_the_host_reads_it() -> None:
    net = Net()
    q = net.quantise(net.real(6), "q")
    outputs = [net.dense(q, "a"), net.dequantise(q, "d")]
    assert _shown(net.finish(outputs)) == (["a"], "q", ("q", "a"))


@pytest.mark.parametrize("last", [Transpose((1, 0)), Reshape((12,))])
def test_the_host_keeps_the_orders_at_the_end(last: Transpose | Reshape) -> None:
    net = Net()
    a = net.dense(net.integers(3, 5), "a")
    y = net.add(Reshape((12,)), [net.add(last, [a], LOC, "last")], LOC, "flat")
    assert _shown(net.finish([y])) == (["a"], "x", ("a",))


def test_an_order_stays_where_a_layer_reads_it() -> None:
    net = Net()
    flat = net.add(Reshape((12,)), [net.dense(net.integers(3, 5), "a")], LOC, "flat")
    turned = net.add(Reshape((4, 3)), [flat], LOC, "turned")
    assert _shown(net.finish([net.dense(flat, "b"), turned])) == (
        ["a", "flat", "b"],
        "x",
        ("flat", "b"),
    )


def test_real_numbers_behind_integers_are_the_hosts() -> None:
    net = Net()
    q = net.quantise(net.real(4), "q")
    d = net.dequantise(net.dense(q, "a"), "d")
    again = net.dense(net.quantise(d, "again"), "b")
    assert _shown(net.finish([again])) == (["a"], "q", ("a",))


def test_a_network_of_one_quantiser_has_an_entry_alone() -> None:
    net = Net()
    q = net.quantise(net.real(4), "q")
    graph = net.finish([net.dequantise(q, "d")])
    assert _shown(graph) == ([], "q", ("q",))
    design = build_design(graph, Config())
    assert [layer.op for layer in design.layers] == ["register"]


def test_nothing_integer() -> None:
    net = Net()
    with pytest.raises(CompileError, match=r"P003.*no layer of the network is integer"):
        hardware_part(net.finish([net.add(AddConst(ONE), [net.real(4)], LOC, "y")]))


def test_integers_enter_once() -> None:
    net = Net()
    x = net.real(4)
    y = net.add(SUM, [net.quantise(x, "q"), net.quantise(x, "r")], LOC, "sum")
    with pytest.raises(CompileError, match=r"B003.*would have 2 input streams") as caught:
        hardware_part(net.finish([y]))
    assert "quantise the input once" in str(caught.value)


def test_wiring_looks_past_wires() -> None:
    net = Net()
    x = net.bits(2, 3)
    bits = net.add(Bit(), [x], LOC, "bits")
    flat = net.add(Reshape((6,)), [bits], LOC, "flat")
    y = net.dense(net.add(Reshape((6,)), [net.dense(flat, "a", 6)], LOC, "same"), "b")
    graph = net.finish([y])
    nodes = [node for node in hardware_part(graph).nodes if not isinstance(node.op, WIRES)]
    wiring = Wiring(graph, nodes, WIRES)
    assert [node.name for node in nodes] == ["a", "b"]
    assert wiring.origin("flat") == wiring.origin("bits") == wiring.origin("x") == "x"
    assert wiring.maker("flat") is None
    maker = wiring.maker("same")
    assert maker is not None
    assert maker.name == "a"


def _consumers(graph: Graph) -> dict[str, list[str]]:
    design = build_design(graph, Config())
    found: dict[str, list[str]] = {}
    for stream in design.streams:
        found.setdefault(stream.producer.layer, []).append(stream.consumer.layer)
    assert len(design.sinks) == len(design.exits)
    return found


def test_a_value_with_several_readers_is_forked_past_wires() -> None:
    net = Net()
    a = net.dense(net.integers(1, 4), "a")
    flat = net.add(Reshape((4,)), [a], LOC, "flat")
    y = net.dense(flat, "b")
    both = net.add(Concat(), [net.add(Reshape((1, 4)), [y], LOC, "c"), a], LOC, "both")
    found = _consumers(net.finish([both, flat]))
    assert len(found["a_fork"]) == 3
    assert found["a"] == ["a_fork"]


def test_a_layer_that_reads_a_value_twice_gets_it_twice() -> None:
    net = Net()
    x = net.integers(4)
    found = _consumers(net.finish([net.add(SUM, [x, x], LOC, "sum")]))
    assert found["x_fork"] == ["sum", "sum"]


def test_layers_never_take_the_name_of_a_node() -> None:
    net = Net()
    x = net.integers(4)
    y = net.dense(x, "x_fork")
    design = build_design(net.finish([net.add(SUM, [y, x], LOC, "sum")]), Config())
    names = [layer.name for layer in design.layers]
    assert len(set(names)) == len(names)
    assert "x_fork_2" in names
