"""The graph: an immutable list of nodes in execution order, each with one result.

Invariants: a graph is a value, no pass changes it in place; every node carries the place it came
from in the user's model; names inside a graph are plain identifiers, whatever the file held.
Tensor shapes are those of one frame: the batch axis exists only in the arrays given to `evaluate`.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import ClassVar

from bitmason.diagnostics import Loc
from bitmason.ir.types import Array, TensorType

OPS: dict[str, type[Op]] = {}
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Op(ABC):
    """What is computed: a frozen dataclass with an exact meaning. Knows nothing of hardware."""

    name: ClassVar[str]
    arity: ClassVar[int | None] = 1  # None: two operands or more

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "name" in cls.__dict__:
            assert cls.name not in OPS, f"two ops are called {cls.name}"
            OPS[cls.name] = cls

    @classmethod
    def takes(cls, count: int) -> bool:
        """Return whether the op can have `count` operands."""
        return count >= 2 if cls.arity is None else count == cls.arity

    @abstractmethod
    def infer(self, operands: Sequence[TensorType]) -> TensorType:
        """Return the result's type.

        Raises:
            CompileError: I001 when the operands break the op's rules.
        """

    @abstractmethod
    def evaluate(self, *operands: Array) -> Array:
        """Return the result for operands with a leading batch axis. The only meaning of the op."""


@dataclass(frozen=True)
class Folding:
    """How much hardware a node gets: the choice of the folding pass or of the user.

    `pe` outputs and `simd` inputs are processed at once, for each of `mmv` pixels side by side;
    `engine` is the way the operation is built; `memory` is where its constants live;
    `multipliers` is what multiplies. An empty string leaves the choice to the cost model.
    """

    pe: int
    simd: int = 1
    engine: str = ""
    memory: str = ""
    multipliers: str = ""
    mmv: int = 1


@dataclass(frozen=True)
class Input:
    """An input of the graph."""

    name: str
    type: TensorType
    loc: Loc


@dataclass(frozen=True)
class Node:
    """One operation, and its result's name and type."""

    name: str
    op: Op
    operands: tuple[str, ...]
    type: TensorType
    loc: Loc
    folding: Folding | None = None


Value = Input | Node


@dataclass(frozen=True)
class Graph:
    """A network: inputs, nodes in execution order, names of the outputs."""

    name: str
    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    _by_name: Mapping[str, Value] = field(init=False, repr=False, compare=False, hash=False)

    def __post_init__(self) -> None:
        by_name: dict[str, Value] = {value.name: value for value in self.inputs}
        by_name.update((node.name, node) for node in self.nodes)
        object.__setattr__(self, "_by_name", by_name)

    def __getitem__(self, name: str) -> Value:
        return self._by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @cached_property
    def users(self) -> Mapping[str, tuple[Node, ...]]:
        """The nodes that read each value."""
        found: dict[str, list[Node]] = {name: [] for name in self._by_name}
        for node in self.nodes:
            for operand in dict.fromkeys(node.operands):
                found[operand].append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    def producer(self, name: str) -> Node | None:
        """Return the node whose result is `name`, or None for an input."""
        value = self._by_name[name]
        return value if isinstance(value, Node) else None

    def operand_types(self, node: Node) -> tuple[TensorType, ...]:
        """Return the types of a node's operands."""
        return tuple(self._by_name[operand].type for operand in node.operands)

    def downstream(self, name: str) -> frozenset[str]:
        """Return the values that depend on `name`, itself included."""
        found = {name}
        for node in self.nodes:
            if found.intersection(node.operands):
                found.add(node.name)
        return frozenset(found)

    def with_nodes(self, nodes: Iterable[Node], outputs: Sequence[str] | None = None) -> Graph:
        """Return a graph with other nodes, and the same name and inputs."""
        kept = self.outputs if outputs is None else tuple(outputs)
        return replace(self, nodes=tuple(nodes), outputs=kept)


class Builder:
    """Grows a graph node by node. Names are made plain and unique."""

    def __init__(self, name: str) -> None:
        """Start an empty graph called `name`."""
        self._name = plain_name(name, "network")
        self._inputs: list[Input] = []
        self._nodes: list[Node] = []
        self._types: dict[str, TensorType] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def type_of(self, value: str) -> TensorType:
        """Return the type of a value made so far."""
        return self._types[value]

    def fresh(self, wanted: str) -> str:
        """Return a plain name near `wanted` that no value has yet."""
        base = plain_name(wanted, "v")
        name, count = base, 1
        while name in self._types:
            count += 1
            name = f"{base}_{count}"
        return name

    def input(self, wanted: str, type_: TensorType, loc: Loc) -> str:
        """Add an input and return its name."""
        name = self.fresh(wanted)
        self._inputs.append(Input(name, type_, loc))
        self._types[name] = type_
        return name

    def add(
        self,
        op: Op,
        operands: Sequence[str],
        loc: Loc,
        wanted: str = "",
        folding: Folding | None = None,
    ) -> str:
        """Add a node, infer its type, and return its name."""
        type_ = op.infer([self._types[operand] for operand in operands])
        name = self.fresh(wanted or op.name)
        self._nodes.append(Node(name, op, tuple(operands), type_, loc, folding))
        self._types[name] = type_
        return name

    def node(self, name: str) -> Node | None:
        """Return the node that makes `name`, or None for an input."""
        return next((node for node in reversed(self._nodes) if node.name == name), None)

    def finish(self, outputs: Sequence[str]) -> Graph:
        """Return the graph."""
        return Graph(self._name, tuple(self._inputs), tuple(self._nodes), tuple(outputs))


def plain_name(name: str, fallback: str, limit: int = 40) -> str:
    """Return `name` as a short identifier of letters, digits and single underscores."""
    words = re.findall(r"[A-Za-z0-9]+", name)
    joined = "_".join(words)[-limit:].strip("_").lower()
    if not joined:
        return fallback
    return joined if joined[0].isalpha() else f"{fallback}_{joined}"
