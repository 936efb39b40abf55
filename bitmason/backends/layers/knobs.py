"""The layer that gives every frame its settings.

Invariant: what a frame meets in any layer are the settings of the cycle in which its first beat was
taken. They travel beside the data, in streams of one beat per frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bitmason.backends.design import Layer, Port, Resources
from bitmason.diagnostics import Loc
from bitmason.ir.graph import Folding

# Measured with yosys synth_xilinx -family xc7, for 1, 8 and 32 layers.
_REGISTERS = Resources(lut=450, ff=694)  # the register block, but for what each layer adds
_REGISTERS_PER_LAYER = Resources(lut=27, ff=16)


@dataclass(frozen=True)
class KnobsView:
    """The numbers of a frame's settings: beats of a frame, and bits of all knobs."""

    beats: int
    bits: int


def plan_knobs(name: str, loc: Loc, port: Port, readers: Sequence[Port]) -> Layer:
    """Return the layer in front of a design whose layers take their knobs from `readers`.

    Its cost is also that of the registers, which stand beside the layers.
    """
    bits = sum(reader.width for reader in readers)
    own = Resources(
        lut=10 + 2 * len(readers) + port.beats.bit_length(),
        ff=port.width + bits + len(readers) + 1 + port.beats.bit_length(),
    )
    return Layer(
        name=name,
        op="knobs",
        engine="register",
        loc=loc,
        folding=Folding(port.per_lane, mmv=port.lanes),
        sources=(port,),
        sinks=(port, *readers),
        cycles=port.beats,
        resources=sum([_REGISTERS_PER_LAYER] * len(readers), own + _REGISTERS),
        view=KnobsView(port.beats, bits),
    )
