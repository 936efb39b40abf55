"""The register block in SystemVerilog, which PeakRDL-regblock makes of a SystemRDL description.

Invariant: a description of ours that the compiler or the generator complains of is a bug here, not
a fault of the user's.
"""

from __future__ import annotations

import importlib.metadata
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bitmason.backends.render import render


@dataclass(frozen=True)
class BlockView:
    """A file of the generator as its template sees it."""

    module: str
    generator: str
    version: str
    text: str


def make_block(description: str, module: str, address_bits: int, version: str) -> dict[str, str]:
    """Return the package and the module of a SystemRDL description, by file name, in this order.

    `module` is the name of both the address map and the module, `version` that of bitmason.
    """
    # These cost a quarter of a second, which designs without registers need not spend.
    from peakrdl_regblock import RegblockExporter
    from peakrdl_regblock.cpuif.axi4lite import AXI4Lite_Cpuif_flattened
    from peakrdl_regblock.udps import ALL_UDPS
    from systemrdl.compiler import RDLCompiler
    from systemrdl.messages import MessageExceptionRaiser

    compiler = RDLCompiler(message_printer=MessageExceptionRaiser())
    for property_ in ALL_UDPS:
        compiler.register_udp(property_)
    package = f"{module}_pkg"
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        source = folder / "registers.rdl"
        source.write_text(description, encoding="utf-8")
        compiler.compile_file(str(source))
        RegblockExporter().export(
            compiler.elaborate(),
            str(folder),
            cpuif_cls=AXI4Lite_Cpuif_flattened,
            module_name=module,
            package_name=package,
            address_width=address_bits,
            err_if_bad_addr=True,
            err_if_bad_rw=True,
        )
        texts = {name: (folder / f"{name}.sv").read_text("utf-8") for name in (package, module)}
    generator = f"PeakRDL-regblock {importlib.metadata.version('peakrdl-regblock')}"
    views = (BlockView(name, generator, version, text) for name, text in texts.items())
    return {f"{view.module}.sv": render("registers/block.sv.j2", view) for view in views}
