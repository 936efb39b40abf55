"""Print a graph as text and parse it back; the two are inverse to each other.

Invariant: `parse(print_graph(g)) == g`, weights included, so a graph is one readable text file.
"""

from __future__ import annotations

import dataclasses
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from types import UnionType
from typing import Any, NoReturn, get_args, get_origin, get_type_hints

import bitmason.ir.ops  # noqa: F401  registers every op for the parser
from bitmason.diagnostics import CompileError, Loc, did_you_mean, fail
from bitmason.ir.constant import Const
from bitmason.ir.custom_float import CustomFloat, parse_format
from bitmason.ir.graph import OPS, Folding, Graph, Input, Node, Op
from bitmason.ir.types import Bipolar, Int, TensorType, UInt, parse_elem


def print_graph(graph: Graph) -> str:
    """Return `graph` as text that `parse_graph` reads back."""
    inputs = ", ".join(f"%{value.name}: {value.type}{_loc(value.loc)}" for value in graph.inputs)
    lines = [f"graph @{graph.name}({inputs}) {{"]
    lines += [f"  {_node(node)}" for node in graph.nodes]
    lines += [f"  return {', '.join(f'%{name}' for name in graph.outputs)}", "}", ""]
    return "\n".join(lines)


def _node(node: Node) -> str:
    operands = ", ".join(f"%{operand}" for operand in node.operands)
    fields = {f.name: getattr(node.op, f.name) for f in dataclasses.fields(_as_dataclass(node.op))}
    attributes = ", ".join(f"{name} = {_literal(value)}" for name, value in fields.items())
    folding = f" folding{_literal(dataclasses.astuple(node.folding))}" if node.folding else ""
    braces = f" {{{attributes}}}" if attributes else ""
    return (
        f"%{node.name} = {node.op.name}({operands}){braces} : {node.type}{folding}{_loc(node.loc)}"
    )


def _as_dataclass(op: Op | type[Op]) -> Any:
    assert dataclasses.is_dataclass(op), op
    return op


def _loc(loc: Loc) -> str:
    return f" loc({json.dumps(loc.file)}, {json.dumps(loc.node)})"


def _literal(value: Any) -> str:  # noqa: PLR0911  one return for each kind of value
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case str():
            return json.dumps(value)
        case Fraction():
            return f"{value.numerator}/{value.denominator}"
        case tuple():
            return f"({', '.join(_literal(item) for item in value)})"
        case UInt() | Int() | Bipolar() | CustomFloat():
            return str(value)
        case Const():
            return value.text()
    raise AssertionError(f"no text for {type(value)}")


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<const>(?:bool|[iuf]\d+)\[[\d, ]*\](?:"[^"]*"|\([^)]*\)))
      | (?P<type>(?:u?int\d+(?:<-?\d+\.\.-?\d+>)?|bipolar|real)(?![A-Za-z0-9_])|float<[^>\n]*>)
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<fraction>-?\d+/\d+)
      | (?P<number>-?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|inf)(?![A-Za-z0-9_]))
      | (?P<value>%[A-Za-z_]\w*)
      | (?P<word>@?[A-Za-z_]\w*)
      | (?P<mark>[(){}\[\]:=,])""",
    re.VERBOSE | re.ASCII,
)


class _Parser:
    def __init__(self, text: str, file: str) -> None:
        self.text, self.file, self.start, self.at = text, file, 0, 0
        self.kind, self.token = "", ""
        self.types: dict[str, TensorType] = {}
        self.advance()

    def error(self, expected: str, help_: str | None = None, start: int | None = None) -> NoReturn:
        start = self.start if start is None else start
        line = self.text.count("\n", 0, start) + 1
        column = start - (self.text.rfind("\n", 0, start) + 1) + 1
        match = _TOKEN.match(self.text, start)
        token = match.group() if match else self.text[start : start + 1]
        found = json.dumps(token[:40]) if token else "the end"
        fail(
            "I002",
            f"line {line}, column {column}: expected {expected}, found {found}",
            loc=Loc(self.file),
            help=help_,
        )

    def advance(self) -> str:
        previous = self.token
        while True:
            self.start = self.at
            if self.at == len(self.text):
                self.kind, self.token = "end", ""
                return previous
            match = _TOKEN.match(self.text, self.at)
            if match is None:
                self.error("a token")
            self.at = match.end()
            self.kind, self.token = str(match.lastgroup), match.group()
            if self.kind != "space":
                return previous

    def take(self, kind: str, expected: str) -> str:
        if self.kind != kind:
            self.error(expected)
        return self.advance()

    def mark(self, mark: str) -> None:
        if self.token != mark:
            self.error(f"'{mark}'")
        self.advance()

    def accept(self, token: str) -> bool:
        if self.token != token:
            return False
        self.advance()
        return True

    def list_until(self, end: str, item: Callable[[], Any]) -> list[Any]:
        items: list[Any] = []
        while self.token != end:
            items.append(item())
            if not self.accept(","):
                break
        self.mark(end)
        return items

    def literal(self) -> Any:
        if self.accept("("):
            return tuple(self.list_until(")", self.scalar))
        return self.scalar()

    def scalar(self) -> Any:
        kind, token = self.kind, self.token
        if kind == "word" and token in {"none", "true", "false"}:
            self.advance()
            return {"none": None, "true": True, "false": False}[token]
        decoded = _decode(kind, token)
        if decoded is _NOTHING:
            self.error("a value")
        self.advance()
        return decoded

    def tensor_type(self) -> TensorType:
        elem = parse_elem(self.token)
        if elem is None:
            self.error("an element type")
        self.advance()
        self.mark("[")
        return TensorType(tuple(self.list_until("]", self.dimension)), elem)

    def dimension(self) -> int:
        if not re.fullmatch(r"[0-9]{1,9}", self.token):
            self.error("a dimension")
        return int(self.advance())

    def string(self) -> str:
        text = _decode(self.kind, self.token)
        if not isinstance(text, str):
            self.error("a string")
        self.advance()
        return text

    def loc(self) -> Loc:
        if not self.accept("loc"):
            return Loc(self.file)
        self.mark("(")
        file = self.string()
        self.mark(",")
        node = self.string()
        self.mark(")")
        return Loc(file, node)

    def new_name(self) -> str:
        if self.token[1:] in self.types:
            self.error("a name that is not taken")
        return self.take("value", "a value such as %x")[1:]

    def defined(self) -> str:
        if self.kind == "value" and self.token[1:] not in self.types:
            self.error("a value defined above", did_you_mean(self.token[1:], self.types))
        return self.take("value", "a value such as %x")[1:]

    def input(self) -> Input:
        name = self.new_name()
        self.mark(":")
        self.types[name] = self.tensor_type()
        return Input(name, self.types[name], self.loc())

    def attributes(self, op_class: type[Op]) -> dict[str, Any]:
        hints = get_type_hints(op_class)
        known = [field.name for field in dataclasses.fields(_as_dataclass(op_class))]
        found: dict[str, Any] = {}

        def attribute() -> None:
            if self.token not in known or self.token in found:
                still = [name for name in known if name not in found]
                self.error(f"an attribute of {op_class.name}", did_you_mean(self.token, still))
            name = self.advance()
            self.mark("=")
            start = self.start
            found[name] = self.literal()
            if not _fits(found[name], hints[name]):
                self.error(f"a value for {name} of {op_class.name}", start=start)

        if self.accept("{"):
            self.list_until("}", attribute)
        return found

    def node(self) -> Node:
        name = self.new_name()
        self.mark("=")
        start, op_class = self.start, OPS.get(self.token)
        if op_class is None:
            self.error("an operation", did_you_mean(self.token, OPS))
        self.advance()
        self.mark("(")
        operands = tuple(self.list_until(")", self.defined))
        if not op_class.takes(len(operands)):
            self.error(f"an operation of {len(operands)} operands", start=start)
        fields = self.attributes(op_class)
        try:
            op = op_class(**fields)
        except TypeError:
            self.error(f"the attributes of {op_class.name}")
        self.mark(":")
        self.types[name] = self.result_type(name, op, operands)
        folding = self.folding()
        return Node(name, op, operands, self.types[name], self.loc(), folding)

    def result_type(self, name: str, op: Op, operands: tuple[str, ...]) -> TensorType:
        try:
            inferred = op.infer([self.types[operand] for operand in operands])
        except CompileError as error:
            loc = Loc(self.file, name)
            raise CompileError([replace(d, loc=loc) for d in error.diagnostics]) from None
        start = self.start
        if self.tensor_type() != inferred:
            self.error(f"{inferred}, which {op.name} makes of its operands", start=start)
        return inferred

    def folding(self) -> Folding | None:
        if not self.accept("folding"):
            return None
        start, values = self.start, self.literal()
        if not isinstance(values, tuple) or [*map(type, values)] != _FOLDING:
            self.error("(pe, simd, engine, memory, multipliers, mmv)", start=start)
        return Folding(*values)

    def graph(self) -> Graph:
        if not self.accept("graph"):
            self.error("'graph'")
        if not self.token.startswith("@"):
            self.error("a graph name such as @net")
        name = self.advance()
        self.mark("(")
        inputs = tuple(self.list_until(")", self.input))
        self.mark("{")
        nodes: list[Node] = []
        while self.kind == "value":
            nodes.append(self.node())
        if not self.accept("return"):
            self.error("a node or 'return'")
        outputs = tuple(self.list_until("}", self.defined))
        if self.kind != "end":
            self.error("nothing after the graph")
        if not outputs:
            self.error("a graph with outputs")
        return Graph(name.removeprefix("@"), inputs, tuple(nodes), outputs)


_NOTHING = object()
_FOLDING = [int, int, str, str, str, int]


def _fits(value: Any, hint: Any) -> bool:
    """Return whether `value` is what a field of an op is annotated to hold."""
    if get_origin(hint) is tuple:
        item, rest = get_args(hint)[0], get_args(hint)[1:]
        if not isinstance(value, tuple) or (Ellipsis not in rest and len(value) != 1 + len(rest)):
            return False
        return all(_fits(element, item) for element in value)
    if get_origin(hint) is UnionType:
        return any(_fits(value, member) for member in get_args(hint))
    return type(value) is hint or (hint is float and type(value) is int)


def _decode(kind: str, token: str) -> Any:
    try:
        return _decode_well_formed(kind, token)
    except (ValueError, ArithmeticError, zlib.error):
        return _NOTHING


def _decode_well_formed(kind: str, token: str) -> Any:
    match kind:
        case "number":
            return int(token) if re.fullmatch(r"-?\d+", token) else float(token)
        case "string":
            return json.loads(token)
        case "fraction":
            return Fraction(token)
        case "type":
            return parse_elem(token) or parse_format(token) or _NOTHING
        case "const":
            head, _, rest = token.partition("[")
            dims, _, body = rest.partition("]")
            shape = tuple(int(dim) for dim in dims.split(",") if dim.strip())
            return Const.from_text(head, shape, body) or _NOTHING
    return _NOTHING


def parse_graph(text: str, file: str = "<text>") -> Graph:
    """Return the graph that `text` describes.

    Raises:
        CompileError: I002 with line and column.
    """
    return _Parser(text, file).graph()
