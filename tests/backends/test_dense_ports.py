"""Dense words at both ends of a design: who packs, who unpacks, and that nothing else changes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto

from bitmason.backends.dense_ports import with_dense_ports
from bitmason.backends.hardware import hardware_part
from bitmason.config import Config
from bitmason.diagnostics import CompileError
from bitmason.ir import Graph, Int, Real, UInt, verify
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.interp import run
from bitmason.ir.ops.arrange import Upsample
from bitmason.ir.ops.expand import Expand
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.ops.words import BYTE, Pack, Unpack
from bitmason.pipeline import Compiled, compile_model, load_project
from tests.frontend.onnx_models import Net, dense_net, f32, on_grid
from tests.ir.passes.checks import listed, made_by
from tests.ir.passes.networks import Sketch
from tests.ir.strategies import random_feeds

E3M2 = CustomFloat(3, 2, 3, full=True, subnormals=True)
WORD = 2


def dense(graph: Graph) -> Graph:
    """Return `graph` with dense ports: well-formed, of the same meaning, and final."""
    made = with_dense_ports(graph, WORD)
    verify(made)
    feeds = random_feeds(graph, 24, seed=1)
    for before, after in zip(run(graph, feeds), run(made, feeds), strict=True):
        np.testing.assert_array_equal(before, after)
    assert with_dense_ports(made, WORD) is made
    return made


def on_both_sides() -> Graph:
    """A product between a quantiser and real numbers."""
    net = Sketch()
    x = net.quantise(net.input(Real(), 5), UInt(3), "codes")
    return net.finish(net.add(Dequantise((Fraction(2),)), net.dense(x, 3), name="y"))


def test_host_and_hardware_keep_one_half_each() -> None:
    made = dense(on_both_sides())
    assert listed(made) == [
        "codes = quantise",
        "codes_packed = pack",
        "codes_unpacked = unpack",
        "fc = dense",
        "fc_packed = pack",
        "fc_unpacked = unpack",
        "y = dequantise",
    ]
    part = hardware_part(made)
    assert part.entry == "codes_packed"
    assert [node.name for node in part.nodes] == ["codes_unpacked", "fc", "fc_packed"]
    assert part.exits == ("fc_packed",)
    # 15 bits of inputs are one word; three sums are as many as they take.
    sums = made_by(made, "fc").type.int_elem
    sizes = {name: made_by(made, name).type for name in ("codes_packed", "fc_packed")}
    assert {type_.elem for type_ in sizes.values()} == {BYTE}
    assert sizes["codes_packed"].shape == (2,)
    assert sizes["fc_packed"].shape == (-(-3 * sums.bits // 16) * 2,)


def test_integers_that_come_from_the_user_are_packed_too() -> None:
    net = Sketch()
    made = dense(net.finish(net.dense(net.input(Int(4), 6), 2)))
    names = ["x_packed", "x_unpacked", "fc", "fc_packed", "fc_unpacked"]
    assert [node.name for node in made.nodes] == names
    assert made.outputs == ("fc_unpacked",)
    assert hardware_part(made).entry == "x_packed"


def test_several_exits() -> None:
    net = Sketch()
    x = net.quantise(net.input(Real(), 5), UInt(3), "codes")
    made = dense(net.finish(*(net.dense(x, count, name=f"fc{count}") for count in (3, 2))))
    part = hardware_part(made)
    assert part.exits == ("fc3_packed", "fc2_packed")
    assert made.outputs == ("fc3_unpacked", "fc2_unpacked")


def test_what_leaves_and_is_read_inside_is_packed_only_on_its_way_out() -> None:
    net = Sketch()
    x = net.input(UInt(2), 4)
    inner = net.dense(x, 3, name="inner")
    made = dense(net.finish(inner, net.dense(inner, 2, name="last")))
    assert made_by(made, "last").operands == ("inner",)
    assert made.outputs == ("inner_unpacked", "last_unpacked")
    assert hardware_part(made).exits == ("inner_packed", "last_packed")


def test_ranks_have_all_bits_of_their_format_in_words() -> None:
    net = Sketch()
    twice = net.add(Upsample((2, 1)), net.input(UInt(2), 1, 2, 3))
    wide = net.add(Expand(E3M2), twice, name="wide")
    made = dense(net.finish(net.add(Dequantise((E3M2.unit,)), wide, name="y")))
    ops = [node.op for node in made.nodes]
    # Who made the input did not round it here, so its type is all that is known of it.
    assert [op.elem for op in ops if isinstance(op, Pack)] == [UInt(2), E3M2.rank_type]
    assert [op.out for op in ops if isinstance(op, Unpack)] == [UInt(2), E3M2.rank_type]


def model() -> ModelProto:
    """A network of two formats, whose result is rounded to a third."""
    rng = np.random.default_rng(0)
    form = {"e_bits": 3.0, "m_bits": 2.0, "bias": 3.0, "largest": 28.0}
    net = Net(1, 6)
    weights = net.float_quant(net.const(f32(rng.standard_normal((6, 5)) * 0.5)), **form)
    product = net.node("MatMul", net.float_quant("x", **form), weights)
    net.float_quant(net.node("Relu", product), **form)
    return net.model()


def compiled(bits: int | None) -> Compiled:
    config = Config() if bits is None else Config(bus_bits=bits)
    return compile_model(model().SerializeToString(), config, name="net.onnx")


@pytest.mark.parametrize("bits", [8, 40])
def test_a_compiled_network_takes_and_gives_words(bits: int) -> None:
    made = compiled(bits)
    packs = [node.op for node in made.design.graph.nodes if isinstance(node.op, Pack)]
    # Ranks that are never negative are 5 bits inside, those of the format are 6.
    assert [op.elem.bits for op in packs] == [6, 6]
    words = bits // 8
    ports = [made.design.source, *made.design.sinks]
    assert [(port.elem, port.per_beat) for port in ports] == [(BYTE, words)] * 2
    x = on_grid(20, 6)
    np.testing.assert_array_equal(
        made.simulate(x).outputs[0], compiled(None).simulate(x).outputs[0]
    )


def test_a_project_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    made = compiled(24)
    made.write(tmp_path / "net")
    read = load_project(tmp_path / "net")
    assert read.design.graph == made.design.graph
    assert read.design.layers == made.design.layers
    x = on_grid(20, 6)
    np.testing.assert_array_equal(read.simulate(x).outputs[0], made.simulate(x).outputs[0])


def test_integers_may_be_given_whether_there_are_words_or_not() -> None:
    """Those that the first quantiser makes, in the order of the model's inputs."""
    net, _ = dense_net(scale=0.5)
    data = net.model().SerializeToString()
    codes = np.random.default_rng(0).integers(-8, 8, (9, 4))
    plain = compile_model(data, Config(), name="net.onnx")
    in_words = compile_model(data, Config(bus_bits=24), name="net.onnx")
    wanted = plain.simulate(f32(codes * 0.5)).outputs[0]
    for made in (plain, in_words):
        for dtype in (np.int8, np.int64):
            np.testing.assert_array_equal(made.simulate(codes.astype(dtype)).outputs[0], wanted)


def test_without_a_layer_nothing_crosses() -> None:
    net = Sketch()
    codes = net.quantise(net.input(Real(), 5), UInt(3), "codes")
    graph = net.finish(net.add(Dequantise((Fraction(2),)), codes, name="y"))
    with pytest.raises(CompileError) as caught:
        with_dense_ports(graph, WORD)
    assert "error[P003]: no layer of the network is in hardware" in str(caught.value)
    assert "leave bus_bits out of the configuration" in str(caught.value)


def test_what_enters_and_leaves_as_it_is_crosses_both_ways() -> None:
    net = Sketch()
    codes = net.quantise(net.input(Real(), 5), UInt(3), "codes")
    y = net.add(Dequantise((Fraction(2),)), net.dense(codes, 3), name="y")
    made = dense(net.finish(y, net.add(Dequantise((Fraction(1),)), codes, name="same")))
    assert listed(made)[:4] == [
        "codes = quantise",
        "codes_packed = pack",
        "codes_unpacked = unpack",
        "codes_out_packed = pack",
    ]
    assert hardware_part(made).exits == ("codes_out_packed", "fc_packed")
    assert made_by(made, "same").operands == ("codes_out_unpacked",)
