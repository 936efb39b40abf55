"""The emitter of each kind of layer: its template's constants and its memories."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bitmason.backends.design import Layer
from bitmason.ir.graph import Node

Parameter = str | int | bool


@dataclass(frozen=True)
class Emission:
    """What a layer module needs besides its streams.

    `parameters` sizes the library cell `cell`; `memories` maps file names to their text.
    """

    cell: str
    summary: str
    parameters: Mapping[str, Parameter]
    memories: Mapping[str, str] = field(default_factory=dict)


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
