"""Mapped xc7 netlists: simulates what yosys made of a module, and measures how deep it is.

Invariant: a net holds one bit of every lane, packed into one int, so that a step computes all lanes
at once; all registers share one clock.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from graphlib import TopologicalSorter
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self

Net = int | str  # a number, or a constant "0", "1" or "x"
Word = Sequence[int]  # the lanes of each bit of a port, bit 0 first

_LUT: Final = re.compile(r"LUT[1-6](_2)?")
_REGISTER: Final = "FDRE"
_SHIFT_REGISTER: Final = "SRL16E"
_WIRES: Final = frozenset({"BUFG"})
_MUXES: Final = frozenset({"MUXF7", "MUXF8"})


@dataclass(frozen=True)
class Cell:
    """A cell of the netlist: its type, truth table (of a LUT) and nets by pin."""

    kind: str
    init: int
    pins: Mapping[str, Sequence[Net]]

    @property
    def inputs(self) -> list[Net]:
        """Nets that decide the outputs within the same cycle."""
        read = {"CI", "CYINIT", "DI", "S", "I", "I0", "I1", "I2", "I3", "I4", "I5"}
        return [net for pin, nets in self.pins.items() if pin in read for net in nets]

    @property
    def outputs(self) -> list[Net]:
        """Nets that the cell drives."""
        driven = {"O", "O5", "O6", "CO", "Q"}
        return [net for pin, nets in self.pins.items() if pin in driven for net in nets]


@dataclass(frozen=True)
class Netlist:
    """A flat netlist: LUTs and carry chains in order of evaluation, and registers.

    A shift register is held as the registers that it stands for.
    """

    ports: Mapping[str, Sequence[Net]]
    output_ports: frozenset[str]
    cells: Sequence[Cell]
    registers: Sequence[Cell]

    @classmethod
    def load(cls, path: Path, top: str) -> Self:
        """Read the JSON that `yosys.synthesise` writes for the module `top`."""
        module = json.loads(path.read_text(encoding="utf-8"))["modules"][top]
        cells = [cell for found in module["cells"].values() for cell in _cells(found)]
        logic = [cell for cell in cells if cell.kind != _REGISTER]
        driver = {net: index for index, cell in enumerate(logic) for net in cell.outputs}
        order = TopologicalSorter(
            {
                index: {driver[net] for net in cell.inputs if net in driver}
                for index, cell in enumerate(logic)
            }
        )
        return cls(
            ports={name: port["bits"] for name, port in module["ports"].items()},
            output_ports=frozenset(
                name for name, port in module["ports"].items() if port["direction"] == "output"
            ),
            cells=[logic[index] for index in order.static_order()],
            registers=[cell for cell in cells if cell.kind == _REGISTER],
        )

    @property
    def levels(self) -> int:
        """Most LUTs and carry chains on a path between registers or ports; wide muxes are free."""
        depth: dict[Net, int] = {}
        for cell in self.cells:
            chained = cell.pins.get("CI", ())
            arrivals = [depth.get(net, 0) - (net in chained) for net in cell.inputs]
            level = max(arrivals, default=0) + (cell.kind not in _WIRES | _MUXES)
            depth |= dict.fromkeys(cell.outputs, level)
        return max(depth.values(), default=0)


class Simulation:
    """A netlist with the state of its registers, which start at 0, in each of `lanes` lanes."""

    def __init__(self, netlist: Netlist, lanes: int) -> None:
        self._netlist = netlist
        self._ones = (1 << lanes) - 1
        self._state: dict[Net, int] = {
            net: 0 for register in netlist.registers for net in register.outputs
        }

    def step(self, inputs: Mapping[str, Word]) -> dict[str, list[int]]:
        """Return the outputs that `inputs` give now, then move on by one clock edge."""
        nets: dict[Net, int] = {"0": 0, "1": self._ones, "x": 0, **self._state}
        for port, word in inputs.items():
            nets |= dict(zip(self._netlist.ports[port], word, strict=True))
        for cell in self._netlist.cells:
            _evaluate(cell, nets, self._ones)
        for register in self._netlist.registers:
            (q,), (d,), (enable,), (reset,) = (register.pins[pin] for pin in ("Q", "D", "CE", "R"))
            after = (nets[d] & nets[enable]) | (nets[q] & ~nets[enable])
            self._state[q] = after & ~nets[reset]
        return {
            port: [nets[net] for net in self._netlist.ports[port]]
            for port in self._netlist.output_ports
        }


def _cells(found: Mapping[str, Any]) -> list[Cell]:
    kind, pins = found["type"], found["connections"]
    if kind == _SHIFT_REGISTER:
        return _registers(pins)
    known = kind in {_REGISTER, "CARRY4", "INV"} | _WIRES | _MUXES or _LUT.fullmatch(kind)
    assert known, f"the netlist holds a {kind}, which this module does not simulate"
    init = found["parameters"].get("INIT", "0").replace("x", "0")
    return [Cell(kind, int(init, 2), pins)]


def _registers(pins: Mapping[str, Sequence[Net]]) -> list[Cell]:
    """Return the registers in a row that a shift register of constant length stands for."""
    length = 1 + sum(int(pins[f"A{bit}"][0]) << bit for bit in range(4))
    (q,) = pins["Q"]
    nets = [pins["D"][0], *(f"{q}.{place}" for place in range(1, length)), q]
    shared = {"CE": pins["CE"], "R": ["0"]}
    return [Cell(_REGISTER, 0, shared | {"D": [d], "Q": [after]}) for d, after in pairwise(nets)]


def _evaluate(cell: Cell, nets: dict[Net, int], ones: int) -> None:
    if cell.kind == "CARRY4":
        _evaluate_carry(cell, nets)
    elif cell.kind in _MUXES:
        i0, i1, s = (nets[cell.pins[pin][0]] for pin in ("I0", "I1", "S"))
        nets[cell.pins["O"][0]] = (s & i1) | (~s & i0)
    elif cell.kind == "INV":
        nets[cell.pins["O"][0]] = nets[cell.pins["I"][0]] ^ ones
    elif cell.kind in _WIRES:
        nets[cell.pins["O"][0]] = nets.get(cell.pins["I"][0], 0)
    else:
        pins = sorted(pin for pin in cell.pins if pin.startswith("I"))
        read = [nets[cell.pins[pin][0]] for pin in pins]
        lookup: Callable[[list[int]], int] = partial(_look_up, cell.init, ones=ones)
        for output, address in {"O": read, "O6": read, "O5": read[:5]}.items():
            if output in cell.pins:
                nets[cell.pins[output][0]] = lookup(address)


def _evaluate_carry(cell: Cell, nets: dict[Net, int]) -> None:
    carry = nets[cell.pins["CI"][0]] | nets[cell.pins["CYINIT"][0]]
    for s, di, o, co in zip(*(cell.pins[pin] for pin in ("S", "DI", "O", "CO")), strict=True):
        nets[o] = nets[s] ^ carry
        carry = (nets[s] & carry) | (~nets[s] & nets[di])
        nets[co] = carry


def _look_up(init: int, address: list[int], ones: int) -> int:
    """Return the entry of the truth table `init` at each lane's address, bit 0 first."""
    size = 1 << len(address)
    if init & ((1 << size) - 1) == 0:
        return 0
    if not address:
        return ones
    *lower, top = address
    low = _look_up(init & ((1 << size // 2) - 1), lower, ones)
    high = _look_up(init >> (size // 2), lower, ones)
    return (top & high) | (~top & low)
