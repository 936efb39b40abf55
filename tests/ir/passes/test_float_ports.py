"""Compressors and decompressors at the ends of a network, where its formats allow them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from bitmason.diagnostics import CompileError
from bitmason.ir import Const, Graph, Int, Op, Real, TensorType
from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.ops.expand import Expand
from bitmason.ir.ops.float_link import PATTERN, Compress, Decompress, RankValue
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.ops.quantise_float import QuantiseFloat
from bitmason.ir.ops.real import Unary
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.passes.float_ports import ENDS, FloatPorts
from tests.ir.passes.checks import applied, listed, made_by, refusal
from tests.ir.passes.networks import Sketch

E4M3 = CustomFloat(4, 3, 7)
E5M2 = CustomFloat(5, 2, 20, full=True)
SUBNORMAL = CustomFloat(4, 3, 7, subnormals=True, largest=126)
LEAVE = "leave float_ports out of the configuration"
UNITY = Const(np.float32(1))


class Net(Sketch):
    """Networks that begin and end in floating-point formats."""

    def real(self, *shape: int) -> str:
        return self.input(Real(), *shape)

    def rounded(self, x: str, format_: CustomFloat = E4M3, mode: str = TRUNCATE) -> str:
        return self.add(QuantiseFloat(UNITY, format_, mode), x, name="ranks")

    def numbers(self, ranks: str, format_: CustomFloat = E4M3, name: str = "y") -> str:
        expanded = self.add(Expand(format_), ranks)
        return self.add(Dequantise((format_.unit,)), expanded, name=name)


def link(mode: str = TRUNCATE) -> Graph:
    net = Net()
    return net.finish(net.numbers(net.rounded(net.real(6), mode=mode)))


HEAD = ["ranks_bits = float_bits", "ranks = compress"]
TAIL = ["y_bits = decompress", "y = bits_float"]


@pytest.mark.parametrize("mode", [TRUNCATE, NEAREST])
@pytest.mark.parametrize(
    ("ends", "nodes"),
    [
        ("input", [*HEAD, "expand = expand", "y = dequantise"]),
        ("outputs", ["ranks = quantise_float", *TAIL]),
        ("both", [*HEAD, *TAIL]),
    ],
)
def test_the_ends_that_are_asked_for(ends: str, nodes: list[str], mode: str) -> None:
    made = applied(FloatPorts(ends), link(mode))
    assert listed(made) == nodes
    if ends != "outputs":
        assert made_by(made, "ranks").op == Compress(E4M3, mode)
        assert made_by(made, "ranks_bits").type == TensorType((6,), PATTERN)
    if ends != "input":
        assert made_by(made, "y_bits").op == Decompress(E4M3)
        assert made_by(made, "y_bits").operands == ("ranks",)


def test_nothing_is_done_unasked() -> None:
    graph = link()
    assert FloatPorts().run(graph) is graph


def test_a_configuration_asks_for_what_there_is() -> None:
    assert ENDS == ("input", "outputs", "both")


def test_the_order_of_elements_stays_where_it_is() -> None:
    net = Net()
    x = net.add(Reshape((6,)), net.add(Transpose((1, 0)), net.real(2, 3), name="turn"), name="flat")
    y = net.numbers(net.rounded(x))
    made = applied(FloatPorts("both"), net.finish(net.add(Reshape((3, 2)), y, name="out")))
    shape = ["turn = transpose", "flat = reshape"]
    assert listed(made) == [*shape, *HEAD, *TAIL, "out = reshape"]


def test_several_readers_of_the_input_and_several_outputs() -> None:
    net = Net()
    x = net.real(5)
    coarse = net.add(QuantiseFloat(UNITY, E5M2, NEAREST), x, name="coarse")
    outputs = [net.numbers(net.rounded(x)), net.numbers(coarse, E5M2, "z")]
    made = applied(FloatPorts("both"), net.finish(*outputs))
    assert made_by(made, "coarse").op == Compress(E5M2, NEAREST)
    assert made_by(made, "ranks").op == Compress(E4M3, TRUNCATE)
    assert made_by(made, "z_bits").op == Decompress(E5M2)
    assert made_by(made, "y_bits").op == Decompress(E4M3)


def test_a_quantiser_behind_the_first_one_stays() -> None:
    net = Net()
    real = net.add(Unary("tanh"), net.numbers(net.rounded(net.real(4)), name="first"))
    again = net.add(QuantiseFloat(UNITY, E5M2, NEAREST), real, name="again")
    made = applied(FloatPorts("both"), net.finish(net.numbers(again, E5M2)))
    assert made_by(made, "ranks").op == Compress(E4M3, TRUNCATE)
    assert made_by(made, "again").op == QuantiseFloat(UNITY, E5M2, NEAREST)
    assert made_by(made, "first").op == Dequantise((E4M3.unit,))


def _head(*ops: Op) -> Graph:
    net = Net()
    x = net.real(4)
    for op in ops:
        x = net.add(op, x, name="first")
    return net.finish(x)


@pytest.mark.parametrize(
    ("op", "message"),
    [
        (Unary("tanh"), "its input is read by unary, not by a CustomFloat quantiser"),
        (
            QuantiseFloat(UNITY, SUBNORMAL, NEAREST),
            f"a compressor cannot round float32 to {SUBNORMAL}",
        ),
        (
            QuantiseFloat(UNITY, CustomFloat(8, 3, 127), TRUNCATE),
            f"a compressor cannot round float32 to {CustomFloat(8, 3, 127)}",
        ),
        (
            QuantiseFloat(Const(np.float32(0.5)), E4M3, NEAREST),
            "a compressor has no scale, and cuts off or rounds to nearest",
        ),
        (
            QuantiseFloat(UNITY, E4M3, "UP"),
            "a compressor has no scale, and cuts off or rounds to nearest",
        ),
    ],
    ids=["no quantiser", "subnormals", "float32", "scale", "rounding"],
)
def test_inputs_that_no_compressor_takes(op: Op, message: str) -> None:
    said = [f"P007: {message}", "net.onnx#first"]
    assert refusal(FloatPorts("input"), _head(op)) == said
    assert refusal(FloatPorts("both"), _head(op)) == said


def test_what_reads_the_input_behind_a_change_of_shape() -> None:
    graph = _head(Reshape((2, 2)), Unary("tanh"))
    message = "P007: its input is read by unary, not by a CustomFloat quantiser"
    assert refusal(FloatPorts("input"), graph) == [message, "net.onnx#first"]


def _tail(kind: str) -> Graph:
    net = Net()
    ranks = net.rounded(net.real(4), SUBNORMAL if kind == "subnormals" else E4M3)
    if kind == "ranks":
        return net.finish(ranks)
    if kind == "integers":
        return net.finish(net.add(Dequantise((Fraction(1),)), ranks, name="y"))
    if kind == "product":
        expanded = net.add(Expand(E4M3), ranks)
        return net.finish(net.add(Dequantise((E4M3.unit,)), net.dense(expanded, 2), name="y"))
    if kind == "scale":
        scaled = Dequantise((E4M3.unit * 3,))
        return net.finish(net.add(scaled, net.add(Expand(E4M3), ranks), name="y"))
    return net.finish(net.numbers(ranks, SUBNORMAL))


NO_NUMBER = "an output of the network is no number of a floating-point format"


@pytest.mark.parametrize(
    ("kind", "message", "place"),
    [
        ("ranks", NO_NUMBER, "ranks"),
        ("integers", NO_NUMBER, "y"),
        ("product", NO_NUMBER, "y"),
        ("scale", f"a decompressor gives numbers of {E4M3} as they are, without scale", "y"),
    ],
)
def test_outputs_that_no_decompressor_gives(kind: str, message: str, place: str) -> None:
    said = [f"P007: {message}", f"net.onnx#{place}"]
    assert refusal(FloatPorts("outputs"), _tail(kind)) == said
    # At the input alone nothing is wrong.
    assert listed(applied(FloatPorts("input"), _tail(kind)))[:2] == HEAD


def test_the_user_is_told_what_to_do() -> None:
    with pytest.raises(CompileError) as caught:
        FloatPorts("outputs").run(_tail("ranks"))
    (found,) = caught.value.diagnostics
    assert found.help == LEAVE


def test_a_decompressor_gives_subnormal_numbers() -> None:
    made = applied(FloatPorts("outputs"), _tail("subnormals"))
    assert made_by(made, "y_bits").op == Decompress(SUBNORMAL)


def test_ranks_as_the_input() -> None:
    net = Net()
    graph = net.finish(net.numbers(net.input(Int(8, -119, 119), 4)))
    assert listed(applied(FloatPorts("outputs"), graph)) == TAIL
    message = "its input is read by expand, not by a CustomFloat quantiser"
    assert refusal(FloatPorts("input"), graph) == [f"P007: {message}", "net.onnx#expand"]


FREE = (E4M3, E4M3.knobs)


def changing(ends: str, graph: Graph) -> Graph:
    return applied(FloatPorts(ends, run_time=True), graph)


@pytest.mark.parametrize("mode", [TRUNCATE, NEAREST])
def test_an_engine_and_the_host_change_together(mode: str) -> None:
    made = changing("input", link(mode))
    assert listed(made) == [*HEAD, "y = rank_value"]
    assert made_by(made, "ranks").op == Compress(E4M3, mode, E4M3.knobs)
    assert made_by(made, "y").op == RankValue(*FREE)
    assert made_by(made, "y").operands == ("ranks",)
    made = changing("outputs", link(mode))
    assert listed(made) == ["ranks = quantise_float", *TAIL]
    assert made_by(made, "ranks").op == QuantiseFloat(UNITY, E4M3, mode, E4M3.knobs)
    assert made_by(made, "y_bits").op == Decompress(*FREE)


def fixed(graph: Graph) -> bool:
    """Return whether no format may change."""
    return not any(getattr(node.op, "knobs", ()) for node in graph.nodes)


def test_no_format_changes_unasked() -> None:
    assert all(fixed(applied(FloatPorts(ends), link())) for ends in ENDS)


def test_engines_at_both_ends_keep_their_format() -> None:
    made = changing("both", link())
    assert listed(made) == [*HEAD, *TAIL]
    assert fixed(made)


def test_ranks_that_a_layer_reads_keep_their_format() -> None:
    net = Net()
    ranks = net.rounded(net.real(4))
    product = net.dense(net.add(Expand(E4M3), ranks), 2)
    assert fixed(changing("input", net.finish(product)))
    # A reader on the host does not help.
    net = Net()
    expanded = net.add(Expand(E4M3), net.rounded(net.real(4)))
    value = net.add(Dequantise((E4M3.unit,)), expanded, name="y")
    made = changing("input", net.finish(net.dense(expanded, 2), value))
    assert fixed(made)
    assert made_by(made, "y").op == Dequantise((E4M3.unit,))


def test_ranks_that_the_hardware_makes_keep_their_format() -> None:
    net = Net()
    assert fixed(changing("outputs", net.finish(net.numbers(net.input(Int(8, -119, 119), 4)))))


def test_ranks_with_a_scale_keep_their_format() -> None:
    assert fixed(changing("input", _tail("scale")))
    net = Net()
    scaled = QuantiseFloat(Const(np.float32(0.5)), E4M3, NEAREST)
    graph = net.finish(net.numbers(net.add(scaled, net.real(4), name="ranks")))
    assert fixed(changing("outputs", graph))


def test_a_rounding_that_no_compressor_has_stays() -> None:
    assert fixed(changing("outputs", link("UP")))
    assert not fixed(changing("outputs", link(NEAREST)))


@pytest.mark.parametrize(
    "format_", [SUBNORMAL, CustomFloat(4, 3, 7, largest=126)], ids=["subnormals", "largest"]
)
def test_formats_of_another_kind_stay(format_: CustomFloat) -> None:
    net = Net()
    graph = net.finish(net.numbers(net.rounded(net.real(4), format_), format_))
    assert fixed(changing("outputs", graph))
    if not format_.subnormals:
        assert fixed(changing("input", graph))


def test_formats_change_one_by_one() -> None:
    """A network of two links and a layer: the links' formats may change, the layer's may not."""
    net = Net()
    x = net.real(5)
    coarse = net.add(QuantiseFloat(UNITY, E5M2, NEAREST), x, name="coarse")
    other = net.add(QuantiseFloat(UNITY, E4M3, NEAREST), x, name="other")
    product = net.dense(net.add(Expand(E4M3), other), 2)
    outputs = [net.numbers(net.rounded(x)), net.numbers(coarse, E5M2, "z"), product]
    made = changing("input", net.finish(*outputs))
    assert made_by(made, "coarse").op == Compress(E5M2, NEAREST, E5M2.knobs)
    assert made_by(made, "z").op == RankValue(E5M2, E5M2.knobs)
    assert made_by(made, "ranks").op == Compress(E4M3, TRUNCATE, E4M3.knobs)
    assert made_by(made, "y").op == RankValue(*FREE)
    assert made_by(made, "other").op == Compress(E4M3, NEAREST)


def test_several_readers_change_together() -> None:
    net = Net()
    ranks = net.rounded(net.real(5))
    graph = net.finish(net.numbers(ranks), net.numbers(ranks, name="z"))
    made = changing("input", graph)
    assert [made_by(made, name).op for name in "yz"] == [RankValue(*FREE)] * 2
    made = changing("outputs", graph)
    assert [made_by(made, f"{name}_bits").op for name in "yz"] == [Decompress(*FREE)] * 2
    assert made_by(made, "ranks").op == QuantiseFloat(UNITY, E4M3, TRUNCATE, E4M3.knobs)


def moved() -> Graph:
    """A link whose numbers change their order and shape before they are real again."""
    net = Net()
    expanded = net.add(Expand(E4M3), net.rounded(net.real(2, 3)))
    turned = net.add(Reshape((6,)), net.add(Transpose((1, 0)), expanded, name="t"), name="flat")
    return net.finish(net.add(Dequantise((E4M3.unit,)), turned, name="y"))


@pytest.mark.parametrize("ends", ENDS)
@pytest.mark.parametrize("run_time", [False, True])
def test_numbers_may_move_before_they_are_real(ends: str, run_time: bool) -> None:
    made = applied(FloatPorts(ends, run_time), moved())
    assert any(isinstance(node.op, Compress) for node in made.nodes) == (ends != "outputs")
    assert any(isinstance(node.op, Decompress) for node in made.nodes) == (ends != "input")
    changing_ = [node.name for node in made.nodes if getattr(node.op, "knobs", ())]
    assert bool(changing_) == (run_time and ends != "both")


def test_a_label_is_no_number_of_a_format() -> None:
    net = Net()
    y = net.numbers(net.rounded(net.real(6)))
    text = refusal(FloatPorts("outputs"), net.finish(net.add(ArgMax(), y, name="label")))
    assert text[0] == "P007: an output of the network is no number of a floating-point format"
