"""Print a graph as text and parse it back; the two are inverse to each other.

Invariant: `parse(print_graph(g)) == g`, weights included, so a graph is one readable text file.
"""

from __future__ import annotations

import dataclasses
import json
import re
import zlib
from fractions import Fraction
from typing import Any, NoReturn

import bitmason.ir.ops  # noqa: F401  registers every op for the parser
from bitmason.diagnostics import Loc, did_you_mean, fail
from bitmason.ir.constant import Const
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
    return f"%{node.name} = {node.op.name}({operands}){braces} : {node.type}{folding}{_loc(node.loc)}"


def _as_dataclass(op: Op) -> Any:
    assert dataclasses.is_dataclass(op), op
    return op


def _loc(loc: Loc) -> str:
    return f" loc({json.dumps(loc.file)}, {json.dumps(loc.node)})"


def _literal(value: Any) -> str:
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
        case UInt() | Int() | Bipolar():
            return str(value)
        case Const():
            return value.text()
    raise AssertionError(f"no text for {type(value)}")


_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<const>(?:bool|[iuf]\d+)\[[\d, ]*\](?:"[^"]*"|\([^)]*\)))
      | (?P<type>(?:u?int\d+(?:<-?\d+\.\.-?\d+>)?|bipolar|real)(?![A-Za-z0-9_]))
      | (?P<string>"(?:[^"\\]|\\.)*")
      | (?P<fraction>-?\d+/\d+)
      | (?P<number>-?(?:\d+(?:\.\d*)?(?:e[+-]?\d+)?|inf)(?![A-Za-z0-9_]))
      | (?P<value>%[A-Za-z_]\w*)
      | (?P<word>@?[A-Za-z_]\w*)
      | (?P<mark>[(){}\[\]:=,])""",
    re.VERBOSE,
)


class _Parser:
    def __init__(self, text: str, file: str) -> None:
        self.text, self.file, self.at = text, file, 0
        self.kind, self.token = "", ""
        self.advance()

    def error(self, expected: str, help_: str | None = None) -> NoReturn:
        start = self.at - len(self.token)
        line = self.text.count("\n", 0, start) + 1
        column = start - (self.text.rfind("\n", 0, start) + 1) + 1
        found = json.dumps(self.token[:40]) if self.token else "the end"
        fail(
            "I002",
            f"line {line}, column {column}: expected {expected}, found {found}",
            loc=Loc(self.file),
            help=help_,
        )

    def advance(self) -> str:
        previous = self.token
        while True:
            if self.at == len(self.text):
                self.kind, self.token = "end", ""
                return previous
            match = _TOKEN.match(self.text, self.at)
            if match is None:
                self.token = ""
                self.error("a token", f"the character {self.text[self.at]!r} starts none")
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

    def list_until(self, end: str, item: Any) -> list[Any]:
        items: list[Any] = []
        while self.token != end:
            items.append(item())
            if not self.accept(","):
                break
        self.mark(end)
        return items

    def literal(self) -> Any:
        kind, token = self.kind, self.token
        if self.accept("("):
            return tuple(self.list_until(")", self.literal))
        if kind == "word" and token in {"none", "true", "false"}:
            self.advance()
            return {"none": None, "true": True, "false": False}[token]
        decoded = _decode(kind, token)
        if decoded is _NOTHING:
            self.error("a value")
        self.advance()
        return decoded

    def tensor_type(self) -> TensorType:
        elem = parse_elem(self.take("type", "an element type"))
        if elem is None:
            self.error("an element type")
        self.mark("[")
        shape = self.list_until("]", lambda: int(self.take("number", "a dimension")))
        return TensorType(tuple(shape), elem)

    def loc(self) -> Loc:
        if not self.accept("loc"):
            return Loc(self.file)
        self.mark("(")
        file, node = self.list_until(")", lambda: json.loads(self.take("string", "a string")))
        return Loc(file, node)

    def value(self) -> str:
        return self.take("value", "a value such as %x")[1:]

    def input(self) -> Input:
        name = self.value()
        self.mark(":")
        return Input(name, self.tensor_type(), self.loc())

    def attribute(self) -> tuple[str, Any]:
        name = self.take("word", "an attribute name")
        self.mark("=")
        return name, self.literal()

    def node(self) -> Node:
        name = self.value()
        self.mark("=")
        op_class = OPS.get(self.token)
        if op_class is None:
            self.error("an operation", did_you_mean(self.token, OPS))
        self.advance()
        self.mark("(")
        operands = tuple(self.list_until(")", self.value))
        fields = dict(self.list_until("}", self.attribute)) if self.accept("{") else {}
        self.mark(":")
        type_ = self.tensor_type()
        folding = Folding(*self.literal()) if self.accept("folding") else None
        try:
            op = op_class(**fields)
        except TypeError:
            self.error(f"the attributes of {op_class.name}")
        return Node(name, op, operands, type_, self.loc(), folding)

    def graph(self) -> Graph:
        if not self.accept("graph"):
            self.error("'graph'")
        name = self.take("word", "a graph name such as @net")
        self.mark("(")
        inputs = tuple(self.list_until(")", self.input))
        self.mark("{")
        nodes: list[Node] = []
        while self.kind == "value":
            nodes.append(self.node())
        if not self.accept("return"):
            self.error("a node or 'return'")
        outputs = tuple(self.list_until("}", self.value))
        return Graph(name.removeprefix("@"), inputs, tuple(nodes), outputs)


_NOTHING = object()


def _decode(kind: str, token: str) -> Any:
    match kind:
        case "number":
            return int(token) if re.fullmatch(r"-?\d+", token) else float(token)
        case "string":
            return json.loads(token)
        case "fraction":
            return Fraction(token)
        case "type":
            return parse_elem(token) or _NOTHING
        case "const":
            head, _, rest = token.partition("[")
            dims, _, body = rest.partition("]")
            shape = tuple(int(dim) for dim in dims.split(",") if dim.strip())
            try:
                return Const.from_text(head, shape, body) or _NOTHING
            except (ValueError, zlib.error):
                return _NOTHING
    return _NOTHING


def parse_graph(text: str, file: str = "<text>") -> Graph:
    """Return the graph that `text` describes.

    Raises:
        CompileError: I002 with line and column.
    """
    return _Parser(text, file).graph()
