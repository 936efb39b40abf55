"""Bad text of a graph: each message names the line, the column and what was expected there."""

import json

import pytest

from bitmason.diagnostics import CompileError, Diagnostic, Loc
from bitmason.ir import parse_graph

DIGITS = "1" * 5000


def clip(attributes: str = "lo = 0.0", tail: str = "", operands: str = "%x") -> str:
    """Return a sound graph, but for the parts given."""
    return f"""graph @g(%x: real[3], %n: uint2[4]) {{
  %y = clip({operands}) {{{attributes}}} : real[3]{tail}
  return %y
}}"""


def head(inputs: str, body: str = "") -> str:
    return f"graph @g({inputs}) {{{body}"


def parse_error(text: str) -> Diagnostic:
    with pytest.raises(CompileError) as caught:
        parse_graph(text, "net.ir")
    (found,) = caught.value.diagnostics
    return found


def assert_points(text: str, place: tuple[int, int], expected: str, found: str | None) -> None:
    line, column = place
    shown = "the end" if found is None else json.dumps(found)
    wanted = f"line {line}, column {column}: expected {expected}, found {shown}"
    assert parse_error(text) == Diagnostic("I002", wanted, Loc("net.ir"))


@pytest.mark.parametrize(
    ("text", "place", "expected", "found"),
    [
        ("", (1, 1), "'graph'", None),
        (" \n\t", (2, 2), "'graph'", None),
        ("net", (1, 1), "'graph'", "net"),
        ("graph net", (1, 7), "a graph name such as @net", "net"),
        ("graph @@g", (1, 7), "a token", "@"),
        ("graph @g", (1, 9), "'('", None),
        ("graph @g(\n  %x real[3])", (2, 6), "':'", "real"),
        ("graph @g(%x: uint4[3]\n  ", (2, 3), "')'", None),
        (head("%x: real[2]", "\n\n ?"), (3, 2), "a token", "?"),
        (head("%x: real[2]", "\n\x1b"), (2, 1), "a token", "\x1b"),
        (head("%x: real[2]", "\n x"), (2, 2), "a node or 'return'", "x"),
        (head("%x: real[2]", "return %x"), (1, 33), "'}'", None),
        (head("%x: real[2]", "return %x} more"), (1, 35), "nothing after the graph", "more"),
        (head("%x: real[2]", "return }"), (1, 32), "a graph with outputs", None),
    ],
)
def test_frame_of_the_text(
    text: str, place: tuple[int, int], expected: str, found: str | None
) -> None:
    assert_points(text, place, expected, found)


@pytest.mark.parametrize(
    ("inputs", "column", "expected", "found"),
    [
        ("%x: dense[3]", 14, "an element type", "dense"),
        ("%x: int99[3]", 14, "an element type", "int99"),
        ("%x: int4<5..2>[3]", 14, "an element type", "int4<5..2>"),
        ("%x: uint4<3..9>[3]", 14, "an element type", "uint4<3..9>"),
        ("%x: real[2.5]", 19, "a dimension", "2.5"),
        ("%x: real[-2]", 19, "a dimension", "-2"),
        (f"%x: real[{DIGITS}]", 19, "a dimension", DIGITS[:40]),
        ("%é: real[2]", 10, "a token", "%"),
        ("%aé: real[2]", 12, "a token", "é"),
        ("x: real[2]", 10, "a value such as %x", "x"),
        ("%x: real[2], %x: real[2]", 23, "a name that is not taken", "%x"),
    ],
)
def test_inputs(inputs: str, column: int, expected: str, found: str) -> None:
    assert_points(head(inputs), (1, column), expected, found)


@pytest.mark.parametrize(
    ("text", "column", "expected", "found"),
    [
        (clip().replace("%y = clip", "%x = clip"), 3, "a name that is not taken", "%x"),
        (clip().replace("= clip", ": clip"), 6, "'='", ":"),
        (clip().replace("= clip", "= 3"), 8, "an operation", "3"),
        (clip(operands="x"), 13, "a value such as %x", "x"),
        (clip(operands="%x, %x"), 8, "an operation of 2 operands", "clip"),
        (clip(operands=""), 8, "an operation of 0 operands", "clip"),
        (clip(operands="%x %n"), 16, "')'", "%n"),
        (
            clip().replace(": real[3]\n", ": real[4]\n"),
            30,
            "real[3], which clip makes of its operands",
            "real",
        ),
        (clip().replace(": real[3]\n", "real[3]\n"), 28, "':'", "real"),
        (clip(tail=" loc(3)"), 42, "a string", "3"),
        (clip(tail=' loc("a")'), 45, "','", ")"),
        (clip(tail=' loc("a", "b", "c")'), 50, "')'", ","),
        (clip(tail=' loc("a", "\\q")'), 47, "a string", '"\\q"'),
        (clip(tail=' loc("a\nb", "")'), 42, "a string", '"a\nb"'),
    ],
)
def test_nodes(text: str, column: int, expected: str, found: str) -> None:
    assert_points(text, (2, column), expected, found)


@pytest.mark.parametrize(
    ("tail", "column", "found"),
    [
        (" folding(1)", 45, "("),
        (" folding 1", 46, "1"),
        (' folding(1, 2, "", "", "")', 45, "("),
        (' folding(1, 2, "", "", "", "")', 45, "("),
        (' folding(1, 2, "", "", "", true)', 45, "("),
        (' folding(1, 2, "", "", "", 1, 1)', 45, "("),
        (' folding(1, 2.0, "", "", "", 1)', 45, "("),
    ],
)
def test_foldings(tail: str, column: int, found: str) -> None:
    expected = "(pe, simd, engine, memory, multipliers, mmv)"
    assert_points(clip(tail=tail), (2, column), expected, found)


@pytest.mark.parametrize(
    ("op", "name", "value"),
    [
        ("windows", "kernel", "()"),
        ("windows", "kernel", "(2)"),
        ("windows", "kernel", "(2, 2, 2)"),
        ("windows", "kernel", "(2, 2.0)"),
        ("windows", "stride", "(true, 1)"),
        ("pad", "low", "(1)"),
        ("pad", "value", "(0, none)"),
        ("conv", "dilation", "(1, 1, 1)"),
        ("max_pool", "high", "(0)"),
        ("product", "shifts", "(1)"),
        ("join_lookup", "first", "(0, 0, 0)"),
        ("upsample", "factors", "()"),
        ("crop", "size", "(1, real)"),
    ],
)
def test_tuples_of_another_length_or_kind(op: str, name: str, value: str) -> None:
    operands = "%n, %n" if op in {"product", "join_lookup"} else "%n"
    text = head("%n: uint2[4, 4, 2]", f"\n%y = {op}({operands}) {{{name} = {value}}}")
    column = len(f"%y = {op}({operands}) {{{name} = ") + 1
    assert_points(text, (2, column), f"a value for {name} of {op}", "(")


@pytest.mark.parametrize("count", [0, 1])
def test_an_op_of_many_operands_takes_two_at_least(count: int) -> None:
    operands = ", ".join(["%n"] * count)
    text = head("%n: uint2[4]", f"\n%y = concat({operands}) : uint2[4]")
    assert_points(text, (2, 6), f"an operation of {count} operands", "concat")


# fmt: off
NO_VALUES = (
    "1/0", "u8[1](300)", "u8[1](x)", "bool[1](maybe)", "i8[2](1)", "i8[1, 1 1](1)", "i5[1](1)",
    'i8[9]"AAAA"', 'i8[9]"A"', 'i8[9]""', "f32[2](1.0)", "i8[99999999999](1)", '"a\\q"', DIGITS,
    "int4<5..2>", "int99", "word", "[", "%x",
)
# fmt: on


@pytest.mark.parametrize("value", NO_VALUES)
def test_what_is_no_value(value: str) -> None:
    assert_points(clip(f"lo = {value}"), (2, 23), "a value", value[:40])


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ('"x"', '"x"'),
        ("true", "true"),
        ("1/2", "1/2"),
        ("int4", "int4"),
        ("(0.0)", "("),
        ("f32[](0.0)", "f32[](0.0)"),
    ],
)
def test_values_of_another_kind(value: str, found: str) -> None:
    assert_points(clip(f"lo = {value}"), (2, 23), "a value for lo of clip", found)


@pytest.mark.parametrize(
    ("attributes", "column", "expected", "found"),
    [
        ("minimum = 0.0", 18, "an attribute of clip", "minimum"),
        ("lo = 0.0, lo = 1.0", 28, "an attribute of clip", "lo"),
        ("lo 0.0", 21, "'='", "0.0"),
        ("lo = ", 23, "a value", "}"),
        ("lo = " + "(" * 5000, 24, "a value", "("),
        ("lo = 0.0 hi = 1.0", 27, "'}'", "hi"),
    ],
)
def test_attributes(attributes: str, column: int, expected: str, found: str) -> None:
    assert_points(clip(attributes), (2, column), expected, found)


def test_missing_attributes() -> None:
    text = head("%x: uint2[4]", "\n  %y = dense(%x) {} : int9[1]\n")
    assert_points(text, (2, 21), "the attributes of dense", ":")


@pytest.mark.parametrize(
    ("text", "message", "help_"),
    [
        (
            clip().replace("clip", "clipp"),
            'line 2, column 8: expected an operation, found "clipp"',
            "did you mean 'clip'?",
        ),
        (
            head("%hidden: real[1]", "return %hiden}"),
            'line 1, column 36: expected a value defined above, found "%hiden"',
            "did you mean 'hidden'?",
        ),
        (
            head("%x: uint2[4]", "%y = dense(%x) {weigths = 3"),
            'line 1, column 41: expected an attribute of dense, found "weigths"',
            "did you mean 'weights'?",
        ),
    ],
)
def test_help_names_the_nearest(text: str, message: str, help_: str) -> None:
    assert parse_error(text) == Diagnostic("I002", message, Loc("net.ir"), (), help_)


def test_an_op_that_refuses_its_operands_is_placed() -> None:
    message = "clip needs real operands, found uint2[4]"
    assert parse_error(clip(operands="%n")) == Diagnostic("I001", message, Loc("net.ir", "y"))
