"""What engines of custom floating point cost on xc7 after yosys.

Run as `python -m benchmarks.float_area`. Engines are for one number a cycle and have no registers;
streams have theirs and their handshake. No unit may use DSP blocks.
"""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import track
from rich.table import Table

from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from bitmason.ir.rounding import Rounding
from bitmason.toolchain import yosys
from bitmason.toolchain.yosys import Area

LIBRARY = Path(yosys.__file__).parents[1] / "templates" / "sv" / "lib"
CELLS = sorted(LIBRARY.glob("bm_float_*.sv"))
WORKERS = 2

FORMATS = (
    CustomFloat(4, 3, 7),
    CustomFloat(4, 3, 7, full=True),
    CustomFloat(4, 3, 11),
    CustomFloat(3, 2, 3),
    CustomFloat(5, 2, 15),
    CustomFloat(2, 1, 1),
    CustomFloat(4, 10, 7),
)
WIDEST = ((4, 3), (6, 6))  # bits of exponents and mantissas up to which are chosen at run time
FEW, MANY = 1, 5  # lanes; the difference tells what one more costs


@dataclass(frozen=True)
class Unit:
    """A cell with its parameters."""

    cell: str
    parameters: tuple[tuple[str, int], ...]

    def measure(self) -> Area:
        """Synthesise the cell."""
        return yosys.synthesise(CELLS, self.cell, parameters=dict(self.parameters), dsp=False)


Areas = Mapping[Unit, Area]


def unit(name: str, **parameters: int) -> Unit:
    """Return a unit of a cell."""
    return Unit(f"bm_float_{name}", tuple(parameters.items()))


def encoder(form: CustomFloat, rounding: Rounding) -> Unit:
    """Return the engine from float32 to codes."""
    ends = {"BIAS": form.bias, "LARGEST": form.top, "NEAREST": int(rounding == NEAREST)}
    return unit("encode", E_BITS=form.e_bits, M_BITS=form.m_bits, **ends)


def expander(form: CustomFloat, *, rank: bool) -> Unit:
    """Return the engine from codes or ranks to fixed point."""
    ends = {"OUT_W": form.fixed_type.bits, "RANK": int(rank)}
    return unit("to_fixed", E_BITS=form.e_bits, M_BITS=form.m_bits, **ends)


def engines(form: CustomFloat) -> tuple[Unit, ...]:
    """Return the engines of a format, in the order of the columns of their table."""
    decoder = unit("decode", E_BITS=form.e_bits, M_BITS=form.m_bits, BIAS=form.bias)
    expanders = (expander(form, rank=False), expander(form, rank=True))
    return (encoder(form, TRUNCATE), encoder(form, NEAREST), decoder, *expanders)


def shared(widest: tuple[int, int]) -> Unit:
    """Return what computes the constants of a format, once for all lanes."""
    e_max, m_max = widest
    return unit("constants", E_MAX=e_max, M_MAX=m_max)


def stream(name: str, widest: tuple[int, int], lanes: int) -> Unit:
    """Return a stream unit whose format is chosen at run time."""
    e_max, m_max = widest
    return unit(name, LANES=lanes, E_MAX=e_max, M_MAX=m_max)


def engine(name: str, widest: tuple[int, int]) -> Unit:
    """Return the engine of one lane of a stream unit."""
    e_max, m_max = widest
    return unit(name, E_MAX=e_max, M_MAX=m_max)


STREAMS = {"compressor_var": "encode_var", "decompressor_var": "decode_var"}


def fixed_table(areas: Areas) -> Table:
    """Return what engines of a fixed format cost."""
    table = Table("format", "truncating", "to nearest", "to float32", "code", "rank", "bits")
    table.title = "LUT: float32 to code by rounding, code to float32, code and rank to fixed point"
    for form in FORMATS:
        counts = [str(areas[each].lut_sites) for each in engines(form)]
        table.add_row(str(form), *counts, str(form.fixed_type.bits))
    return table


def run_time_table(areas: Areas) -> Table:
    """Return what units cost whose format is chosen at run time."""
    table = Table("up to", "unit", "LUT", "FF", "LUT, 1 lane more", "FF, 1 lane more")
    table.title = "formats chosen at run time, with either rounding"
    for widest in WIDEST:
        name = f"e{widest[0]}m{widest[1]}"
        constants = areas[shared(widest)]
        table.add_row(name, "constants, shared", str(constants.lut_sites), str(constants.ff))
        for cell, inner in STREAMS.items():
            table.add_row(name, inner, str(areas[engine(inner, widest)].lut_sites), "0")
            few, many = (areas[stream(cell, widest, lanes)] for lanes in (FEW, MANY))
            more = (many.lut_sites - few.lut_sites, many.ff - few.ff)
            each = [f"{count / (MANY - FEW):.1f}" for count in more]
            table.add_row(name, f"{cell}, 1 lane", str(few.lut_sites), str(few.ff), *each)
        table.add_section()
    return table


def units() -> list[Unit]:
    """Return all that is measured."""
    found = [each for form in FORMATS for each in engines(form)]
    for widest in WIDEST:
        found.append(shared(widest))
        for cell, inner in STREAMS.items():
            found += [engine(inner, widest), *(stream(cell, widest, n) for n in (FEW, MANY))]
    return found


def main() -> None:
    """Measure all units and print both tables."""
    wanted = units()
    with ThreadPoolExecutor(WORKERS) as pool:
        made = pool.map(Unit.measure, wanted)
        areas = dict(
            zip(wanted, track(made, "synthesising", len(wanted), transient=True), strict=True)
        )
    for table in (fixed_table(areas), run_time_table(areas)):
        for column in table.columns[1:]:
            if column.header != "unit":
                column.justify = "right"
        Console(width=110).print(table)


if __name__ == "__main__":
    main()
