"""A top module that holds several parameter sets of one cell, so that they share a build.

Ports of case ``c`` are named ``c_<port>``; ``clk`` and ``rst`` are shared. Widths are read from the
elaborated cell, so a bench states parameters only. Where a cell packs several streams into one
port, as its parameter INPUTS or OUTPUTS says, each has ports of its own: ``c_s0_axis_tdata``, ...
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pyslang import ast, syntax


@dataclass(frozen=True)
class Bits:
    """A packed vector."""

    value: int
    width: int

    def __int__(self) -> int:
        return self.value


Parameter = int | bool | str | Bits
Cases = Mapping[str, Mapping[str, Parameter]]

SHARED = ("clk", "rst")
PACKED = {"s": "INPUTS", "m": "OUTPUTS"}  # the parameter that says how many streams a port packs


@dataclass(frozen=True)
class Port:
    """One port of an elaborated instance."""

    name: str
    is_input: bool
    width: int

    def declared(self, name: str) -> str:
        """The port of the wrapper that leads to this one."""
        direction = "input " if self.is_input else "output"
        return f"  {direction} wire logic [{self.width - 1}:0] {name}"


def wrap(top: str, cell: str, cases: Cases, library: Path) -> str:
    """The text of the top module."""
    ports = _ports(cell, cases, library)
    shared = {p.name: p for found in ports.values() for p in found if p.name in SHARED}
    declared = [port.declared(name) for name, port in shared.items()]
    instances = []
    for case, found in ports.items():
        own = [port for port in found if port.name not in SHARED]
        wires = [f".{port.name}({port.name})" for port in found if port.name in SHARED]
        for port in own:
            parts = _unpacked(port, cases[case])
            declared += [part.declared(f"{case}_{part.name}") for part in parts]
            joined = ", ".join(f"{case}_{part.name}" for part in reversed(parts))
            wires.append(f".{port.name}({{{joined}}})" if parts[1:] else f".{port.name}({joined})")
        instances.append(instance(cell, case, cases[case], ",\n    ".join(wires)))
    return (
        f"`default_nettype none\n\nmodule {top} (\n"
        + ",\n".join(declared)
        + "\n);\n\n"
        + "\n".join(instances)
        + "\nendmodule\n\n`default_nettype wire\n"
    )


def instance(cell: str, case: str, parameters: Mapping[str, Parameter], wires: str) -> str:
    """The text of one instance, named after its case."""
    values = ",\n    ".join(f".{name}({_literal(value)})" for name, value in parameters.items())
    return f"  {cell} #(\n    {values}\n  ) u_{case} (\n    {wires}\n  );\n"


def _unpacked(port: Port, parameters: Mapping[str, Parameter]) -> list[Port]:
    """The port, or those of its streams, the one in the least significant bits first."""
    side, _, signal = port.name.partition("_axis_")
    if not signal or PACKED.get(side) not in parameters:
        return [port]
    streams = int(parameters[PACKED[side]])
    width = port.width // streams
    return [Port(f"{side}{i}_axis_{signal}", port.is_input, width) for i in range(streams)]


def _literal(value: Parameter) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Bits):
        return f"{value.width}'h{value.value:x}"
    if isinstance(value, bool):
        return f"1'b{value:d}"
    return str(value)


def _ports(cell: str, cases: Cases, library: Path) -> dict[str, list[Port]]:
    probes = "".join(instance(cell, case, cases[case], "") for case in cases)
    compilation = ast.Compilation()
    compilation.addSyntaxTree(syntax.SyntaxTree.fromText(f"module probe;\n{probes}endmodule\n"))
    compilation.addSyntaxTree(syntax.SyntaxTree.fromFile(str(library / f"{cell}.sv")))
    probe = next(top for top in compilation.getRoot().topInstances if top.name == "probe")
    return {
        found.name.removeprefix("u_"): [
            Port(p.name, p.direction == ast.ArgumentDirection.In, p.type.bitWidth)
            for p in found.body.portList
        ]
        for found in probe.body
    }
