"""Text of graphs: printing and parsing are inverse, and every bad text names line and column."""

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitmason.diagnostics import CompileError, Loc
from bitmason.ir import (
    Builder,
    Const,
    Folding,
    Graph,
    Int,
    TensorType,
    UInt,
    parse_graph,
    print_graph,
    verify,
)
from bitmason.ir.custom_float import CustomFloat, parse_format
from bitmason.ir.graph import OPS
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.thresholds import Thresholds
from tests.ir.strategies import graphs

TEXT = """\
graph @net(%x: uint4[2] loc("net.onnx", "in")) {
  %acc = dense(%x) {weights = i8[2, 2](1, -2, 3, 4), weight = int4, groups = 1, cleared = (),\
 ranks = none} : int8<-30..105>[2] folding(2, 1, "", "", "", 4) loc("net.onnx", "fc\\n1")
  %y = thresholds(%acc) {steps = i8[2, 1](0, 5), descending = bool[2](False, True), base = 0,\
 out = uint1} : uint1[2] loc("net.onnx", "")
  return %y, %acc
}
"""

REAL_TEXT = """\
graph @head(%x: real[2, 3], %c: bipolar[3]) {
  %q = quantise(%x) {scale = f32[1, 3](0.5, 1.0, 2.0), zero_point = i64[](0), out = int4<-7..7>,\
 rounding = "ROUND"} : int4<-7..7>[2, 3]
  %t = lookup(%c) {table = i8[1, 3](1, 0, 2), first = -1, out = uint2<0..2>} : uint2<0..2>[3]
  %n = xnor_popcount(%c) {weights = i8[2, 3](1, -1, 1, 1, 1, -1)} : uint2[2]
  %r = dequantise(%q) {scale = (1/2, 1/3, 1/4), offset = (-1/8)} : real[2, 3]
  %s = add(%r, %x) : real[2, 3]
  %u = unary(%s) {function = "tanh"} : real[2, 3]
  %m = softmax(%u) {axis = -1} : real[2, 3]
  %k = top_k(%m) {k = 2, indices = true} : uint2<0..2>[2, 2]
  %f = reshape(%k) {shape = (4)} : uint2<0..2>[4]
  return %f, %t, %n
}
"""


IMAGE_TEXT = """\
graph @image(%x: uint2[3, 4, 2], %r: real[2]) {
  %p = pad(%x) {low = (1, 0), high = (0, 1), value = (0, -1), step = (1, 1)} : int3<-1..3>[4, 5, 2]
  %c = conv(%p) {weights = i8[2, 2, 1, 1](1, -1, 2, 0), weight = int3, stride = (1, 2),\
 dilation = (2, 1), groups = 2} : int4<-4..6>[2, 3, 2]
  %w = windows(%c) {kernel = (1, 2), stride = (1, 1), dilation = (1, 1), block = 2} :\
 int4<-4..6>[2, 2, 4]
  %m = pool(%w) {kind = "max", taps = 2, block = 2} : int4<-4..6>[2, 2, 2]
  %d = depthwise(%w) {weights = i8[2, 2](1, 0, -1, 1), weight = int2, block = 2} :\
 int5<-10..10>[2, 2, 2]
  %s = weighted_sum(%m, %d) {factors = i8[2, 1](1, 3)} : int7<-34..36>[2, 2, 2]
  %q = product(%m, %d) {shifts = (1, 0)} : int7<-50..50>[2, 2, 2]
  %k = max_pool(%s) {kernel = (2, 2), stride = (2, 2), dilation = (1, 1), low = (1, 1),\
 high = (1, 1)} : int7<-34..36>[2, 2, 2]
  %a = sum_pool(%k) {kernel = (2, 1), stride = (1, 1), dilation = (1, 1)} : int8<-68..72>[1, 2, 2]
  %g = global_pool(%q) {kind = "sum"} : int9<-200..200>[1, 1, 2]
  %u = upsample(%g) {factors = (1, 2)} : int9<-200..200>[1, 2, 2]
  %j = concat(%a, %u, %a) : int9<-200..200>[1, 2, 6]
  %e = crop(%j) {start = (0, 1, 2), size = (1, 1, 2), step = (1, 1, 2)} : int9<-200..200>[1, 1, 2]
  %o = reorder(%e) {order = i8[2](1, 0), shape = (2)} : int9<-200..200>[2]
  %t = staircase(%r) {steps = f32[1, 2](-inf, 0.5)} : uint2<0..2>[2]
  %l = join_lookup(%t, %t) {table = i8[1, 9]"eJxjYGRiZmFlY+cAAACBACU=", first = (0, 0), span = 3,\
 out = uint4} : uint4[2]
  return %o, %l
}
"""

FLOAT_TEXT = """\
graph @floats(%x: real[3]) {
  %r = quantise_float(%x) {scale = f32[](0.5), format = float<e4m3b7, subnormals, to 126>,\
 rounding = "ROUND"} : int8<-126..126>[3]
  %t = quantise_float(%x) {scale = f32[3](0.5, 1.0, 2.0), format = float<e2m0b-1>,\
 rounding = "DOWN"} : int3<-2..2>[3]
  %f = expand(%t) {format = float<e2m0b-1>} : int3<-2..2>[3]
  %y = dense(%r) {weights = i8[1, 3](1, -2, 3), weight = int3, groups = 1, cleared = (),\
 ranks = float<e4m3b7, subnormals, to 126>} : int22<-1376256..1376256>[1]
  return %y, %f
}
"""


def small() -> Graph:
    builder = Builder("net")
    x = builder.input("x", TensorType((2,), UInt(4)), Loc("net.onnx", "in"))
    weights = Const(np.array([[1, -2], [3, 4]], dtype=np.int8))
    place = Loc("net.onnx", "fc\n1")
    acc = builder.add(Dense(weights, Int(4)), [x], place, "acc", Folding(2, mmv=4))
    steps, descending = Const(np.array([[0], [5]], dtype=np.int8)), Const(np.array([False, True]))
    op = Thresholds(steps, descending, 0, UInt(1))
    y = builder.add(op, [acc], Loc("net.onnx"), "y")
    return builder.finish([y, acc])


def test_reads_as_documented() -> None:
    assert print_graph(small()) == TEXT
    assert parse_graph(TEXT) == small()


@pytest.mark.parametrize("op", sorted(OPS))
@settings(max_examples=12)
@given(data=st.data())
def test_parse_undoes_print(op: str, data: st.DataObject) -> None:
    graph = data.draw(graphs(must=op, max_nodes=4))
    text = print_graph(graph)
    again = parse_graph(text)
    assert again == graph
    assert print_graph(again) == text


@pytest.mark.parametrize("text", [REAL_TEXT, IMAGE_TEXT, FLOAT_TEXT])
def test_every_kind_of_value_is_read(text: str) -> None:
    graph = parse_graph(text)
    verify(graph)
    assert parse_graph(print_graph(graph)) == graph


@pytest.mark.parametrize(
    "format_",
    [
        CustomFloat(4, 3, 7),
        CustomFloat(4, 3, 7, full=True),
        CustomFloat(1, 0, -20, full=True),
        CustomFloat(8, 23, 127, subnormals=True),
        CustomFloat(5, 2, 15, subnormals=True, largest=0x7B),
        CustomFloat(3, 2, -128, largest=17),
    ],
    ids=str,
)
def test_formats_are_read_as_they_are_printed(format_: CustomFloat) -> None:
    assert parse_format(str(format_)) == format_


@pytest.mark.parametrize(
    "text",
    [
        "float<e0m3b7>",
        "float<e9m3b7>",
        "float<e4m24b7>",
        "float<e1m3b7>",
        "float<e4m3b7, to 7>",
        "float<e4m3b7, to 128>",
        "float<e4m3b7, to 126, subnormals>",
        "float<e4m3b7,subnormals>",
        "float<e4m3b7> ",
        "float<e4m3b9999>",
        "float<e4m3b\u0667>",
        "float<>",
    ],
)
def test_what_is_no_format(text: str) -> None:
    assert parse_format(text) is None


def test_no_format_in_a_text_is_a_diagnostic() -> None:
    text = FLOAT_TEXT.replace("format = float<e2m0b-1>}", "format = float<e0m0b-1>}")
    with pytest.raises(CompileError) as caught:
        parse_graph(text, "g.ir")
    assert "g.ir" in str(caught.value)
    assert "float<e0m0b-1>" in str(caught.value)


def test_layout_does_not_matter() -> None:
    spread = TEXT.replace(" = ", "\n=\t").replace(" {", "{\r\n").replace(" : ", ":")
    assert spread.count("\n") > TEXT.count("\n")
    assert parse_graph(spread) == small()


def test_a_value_without_a_place_is_at_the_text_file() -> None:
    graph = parse_graph("graph @g(%x: real[3]) {return %x}", "g.ir")
    assert graph.inputs[0].loc == Loc("g.ir")


def test_big_weights_survive() -> None:
    builder = Builder("net")
    x = builder.input("x", TensorType((64,), Int(8)), Loc("net.onnx"))
    weights = np.random.default_rng(1).integers(-128, 128, (64, 64))
    op = Dense(Const.integers(weights), Int(8))
    graph = builder.finish([builder.add(op, [x], Loc("net.onnx"))])
    assert parse_graph(print_graph(graph)) == graph


_TOKENS = ["%x", "%y", "(", ")", "{", "}", ",", ":", "3", "-1", "1/0", "real[3]", "uint4", "\0"]
_TOKENS += ["i8[1](1)", '"', '"a"', "none", "true", "loc", "folding", "return", "dense", "int99[1]"]
_TOKENS += ["i8[2, 2](1, 2, 3, 4)", "weights", "@", "\\", "=", "uint4<3..1>", "f32[]()", "é"]
_TOKENS += ["float<e4m3b7>", "float<e8m3b7>", "float<e0m3b7>", "float<", "to 0>", "e9", "99999"]


@given(st.sampled_from([TEXT, REAL_TEXT, IMAGE_TEXT, FLOAT_TEXT]), st.data())
@settings(max_examples=250)
def test_damaged_text_gives_a_diagnostic_or_a_sound_graph(text: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(text)))
        stop = data.draw(st.integers(start, min(len(text), start + 12)))
        text = text[:start] + data.draw(st.sampled_from(["", *_TOKENS])) + text[stop:]
    with contextlib.suppress(CompileError):
        verify(parse_graph(text))
