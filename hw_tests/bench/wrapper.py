"""A top module that holds several parameter sets of one cell, so that they share a build.

Ports of case ``c`` are named ``c_<port>``; ``clk`` and ``rst`` are shared. Widths are read from the
elaborated cell, so a bench states parameters only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pyslang import ast, syntax

Parameter = int | bool | str
Cases = Mapping[str, Mapping[str, Parameter]]

SHARED = ("clk", "rst")


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
        declared += [port.declared(f"{case}_{port.name}") for port in own]
        wires = [f".{port.name}({port.name})" for port in found if port.name in SHARED]
        wires += [f".{port.name}({case}_{port.name})" for port in own]
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


def _literal(value: Parameter) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return f"1'b{value:d}" if isinstance(value, bool) else str(value)


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
