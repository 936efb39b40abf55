"""The emitter of each kind of layer: its template's constants and its memories."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bitmason.backends.design import Layer
from bitmason.ir.graph import Node


@dataclass(frozen=True)
class Bits:
    """A vector of bits, lowest bit first in the number."""

    width: int
    value: int


Parameter = str | int | bool | Bits


@dataclass(frozen=True)
class Emission:
    """What a layer module needs besides its streams.

    `parameters` sizes the library cell `cell`; `memories` maps file names to their text. `replicas`
    cells stand side by side, one for each lane, all moving in step. A cell with `packed` ports
    takes all its streams in vectors, input or output 0 lowest. `outputs` are ports of the cell
    that nothing reads.
    """

    cell: str
    summary: str
    parameters: Mapping[str, Parameter]
    memories: Mapping[str, str] = field(default_factory=dict)
    replicas: int = 1
    packed: bool = False
    outputs: Mapping[str, int] = field(default_factory=dict)


Emitter = Callable[[Layer, Node | None, str], Emission]
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
