"""The emitter of each kind of layer: its cell, with the cell's parameters and constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bitmason.backends.design import Layer
from bitmason.ir.constant import Const
from bitmason.ir.graph import Node
from bitmason.ir.types import IntArray, IntType


@dataclass(frozen=True)
class Vector:
    """A parameter of several numbers of `bits` bits each, element 0 lowest; none is negative."""

    elements: tuple[int, ...]
    bits: int


Parameter = str | int | bool | Vector


@dataclass(frozen=True)
class Table:
    """Constants in a memory: `codes[words, elements]` of `bits` bits each, none negative."""

    codes: IntArray
    bits: int


@dataclass(frozen=True)
class Adders:
    """Constant `weights` that are adders: results of `out_bits` bits for inputs of type `x`.

    At most `between` adders follow one another from one register to the next.
    """

    weights: Const
    x: IntType
    out_bits: int
    between: int


@dataclass(frozen=True)
class Emission:
    """What a layer is made of besides its streams.

    `parameters` sizes the library cell `cell`; `tables` holds its constants by what they are for.
    `replicas` cells stand side by side, one for each lane, all moving in step. A cell with `packed`
    ports takes all its streams in vectors, input or output 0 lowest. `inputs` names the streams of
    a cell that calls them otherwise than most. `outputs` are ports of the cell, with their widths,
    that nothing reads; `unused` inputs, whose value does not matter, are zeros. A cell of some
    `settings` bits reads those of the register block. A cell of `adders` is in no library: it is
    made for this layer alone.
    """

    cell: str
    summary: str
    parameters: Mapping[str, Parameter]
    tables: Mapping[str, Table] = field(default_factory=dict)
    replicas: int = 1
    packed: bool = False
    inputs: tuple[str, ...] = ()
    outputs: Mapping[str, int] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    settings: int = 0
    adders: Adders | None = None


Emitter = Callable[[Layer, Node | None], Emission]
EMITTERS: dict[str, Emitter] = {}


def emits(*ops: str) -> Callable[[Emitter], Emitter]:
    """Register the emitter of the layers of these ops."""

    def register(emitter: Emitter) -> Emitter:
        for op in ops:
            assert op not in EMITTERS, f"two emitters for {op}"
            EMITTERS[op] = emitter
        return emitter

    return register


def ram_style(memory: str) -> str:
    """Return the RAM_STYLE of a cell for where a planner keeps its memory."""
    return {"block": "block", "logic": "distributed"}.get(memory, "auto")
