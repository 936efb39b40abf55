"""The files of a network's registers: hardware, description, C header, Python model, document.

Invariant: all of them are made from one `RegisterMap`, and from nothing else that a map can tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bitmason.backends.design import Knob
from bitmason.backends.names import ModuleNames
from bitmason.backends.registers.block import make_block
from bitmason.backends.registers.map import Field, Register, RegisterMap, register_map
from bitmason.backends.render import render


@dataclass(frozen=True)
class MapView:
    """A map as templates see it: `block` names the address map, `prefix` begins names in C."""

    block: str
    prefix: str
    map: RegisterMap


class SettingView(NamedTuple):
    """A setting: where it is written, and its `bits` from `lsb` on in the settings of a frame."""

    register: Register
    field: Field
    lsb: int
    bits: int

    @property
    def range(self) -> str:
        """Its bits in the settings of a frame."""
        return f"[{self.lsb + self.bits - 1}:{self.lsb}]"


@dataclass(frozen=True)
class ControlView:
    """The control module as its template sees it."""

    module: str
    block: str
    map: RegisterMap
    settings: tuple[SettingView, ...]
    width: int


@dataclass(frozen=True)
class RegisterFiles:
    """What a network with registers has besides its layers.

    `sources` are SystemVerilog, in compilation order, and `control` is the module among them that
    the top level holds. `companions` are for those who write software.
    """

    control: str
    sources: dict[str, str]
    companions: dict[str, str]
    map: RegisterMap


def emit_registers(network: str, knobs: Sequence[Knob], digest: bytes) -> RegisterFiles:
    """Return the files of the registers of a network that has knobs.

    The settings of a frame are those of the knobs in their order, the first one lowest. `digest` is
    the SHA-256 of the model file.
    """
    assert knobs, network
    top = ModuleNames(network).top
    found = register_map(network, knobs, digest)
    view = MapView(f"{top}_registers", top.upper(), found)
    description = render("registers/registers.rdl.j2", view)
    control = _control(knobs, top, found)
    return RegisterFiles(
        control=control.module,
        sources={
            **make_block(description, view.block, found.address_bits, found.version),
            f"{control.module}.sv": render("sv/control.sv.j2", control),
        },
        companions={
            "registers.rdl": description,
            **{
                name: render(f"registers/{name}.j2", view)
                for name in ("registers.h", "registers.py", "registers.md")
            },
        },
        map=found,
    )


def _control(knobs: Sequence[Knob], top: str, found: RegisterMap) -> ControlView:
    settings: list[SettingView] = []
    lsb = 0
    for knob in knobs:
        settings.append(SettingView(*found.setting(knob), lsb, knob.bits))
        lsb += knob.bits
    return ControlView(f"{top}_control", f"{top}_registers", found, tuple(settings), lsb)
