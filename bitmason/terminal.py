"""What the command line prints: results on stdout, progress and diagnostics on stderr.

Invariant: nothing else in the package prints.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from bitmason.diagnostics import Diagnostic


class Terminal:
    """Prints for people, or JSON lines for scripts where diagnostics are concerned."""

    def __init__(self) -> None:
        """Print diagnostics as text until told otherwise."""
        self.json = False
        # A pipe has no width of its own; tables there need not fold.
        self._out = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
        self._err = Console(stderr=True, highlight=False)

    def text(self, text: str) -> None:
        """Print plain text as it is."""
        sys.stdout.write(text)

    def diagnostics(self, found: Sequence[Diagnostic]) -> None:
        """Print diagnostics on stderr."""
        for diagnostic in found:
            if self.json:
                sys.stderr.write(diagnostic.to_json() + "\n")
            else:
                self._err.print(Text(str(diagnostic)), soft_wrap=True)

    @contextmanager
    def steps(self) -> Iterator[Callable[[str], None]]:
        """Show the name of the step that is running."""
        with self._err.status("starting") as status:
            yield lambda step: status.update(step)

    @contextmanager
    def frames(self, total: int, engine: str) -> Iterator[Callable[[int], None]]:
        """Show how many frames are done."""
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._err, transient=True) as progress:
            task = progress.add_task(f"{engine}: building and running", total=total)
            yield lambda done: progress.update(task, completed=done)

    def compiled(self, report: dict[str, Any], folder: Path) -> None:
        """Print what `compile` made."""
        used = report["resources"]
        self._out.print(
            Text(
                f"{folder}: {report['model']}, {len(report['layers'])} layers, one frame every "
                f"{report['ii_cycles']} cycles ({report['frames_per_second']:,.0f} frames/s at "
                f"{report['clock_mhz']:g} MHz), latency {report['latency_cycles']} cycles\n"
                f"estimated {used['lut']:,} LUT, {used['ff']:,} FF, {used['dsp']} DSP, "
                f"{used['bram18']} BRAM18; the pace is set by '{report['bottleneck']}'"
            ),
            soft_wrap=True,
        )

    def simulated(self, measured: Any, written: Sequence[Path]) -> None:
        """Print what `simulate` measured."""
        line = (
            f"{measured.engine}: {measured.frames} frames in {measured.seconds:.2f} s "
            f"({measured.samples_per_second:,.0f} frames/s)"
        )
        if measured.cycles is not None:
            ii = "varies" if measured.ii_cycles is None else f"{measured.ii_cycles} cycles"
            line += f"; between frames {ii}, latency {measured.latency_cycles} cycles"
        self._out.print(Text(line), soft_wrap=True)
        self._out.print(Text(f"wrote {', '.join(map(str, written))}"), soft_wrap=True)

    def claims(self, claims: Sequence[Any]) -> None:
        """Print one line for each thing that `verify` compared."""
        for claim in claims:
            verdict = "equal" if claim.holds else "DIFFERENT"
            self._out.print(Text(f"{claim.name:<28} {verdict:<10} {claim.detail}"), soft_wrap=True)
            for note in claim.notes:
                self._out.print(Text(f"  note: {note}"), soft_wrap=True)

    def report(self, report: dict[str, Any]) -> None:
        """Print the table of layers and the totals."""
        table = Table(title=f"{report['model']} at {report['clock_mhz']:g} MHz", title_justify="left")
        table.add_column("layer", overflow="fold")
        table.add_column("op")
        table.add_column("engine")
        for name in ("PE", "SIMD", "cycles", "acc bits", "weight bits", "LUT", "FF", "DSP", "BRAM18"):
            table.add_column(name, justify="right")
        for layer in report["layers"]:
            table.add_row(*_row(layer))
        table.add_section()
        total = report["resources"]
        weights = sum(layer["weight_bits"] for layer in report["layers"])
        table.add_row(
            "total", "", "", "", "", f"{report['ii_cycles']:,}", "", f"{weights:,}", *_cost(total)
        )
        self._out.print(table)
        self._out.print(
            Text(
                f"one frame every {report['ii_cycles']} cycles "
                f"({report['frames_per_second']:,.0f} frames/s), latency "
                f"{report['latency_cycles']} cycles; the pace is set by '{report['bottleneck']}'.\n"
                "Cycles are exact; resources are estimates until synthesis."
            ),
            soft_wrap=True,
        )

    def tools(self, tools: Sequence[Any]) -> None:
        """Print the table of tools."""
        table = Table(title="tools", title_justify="left")
        for name in ("tool", "found", "version", "needed for", "what to do"):
            table.add_column(name, overflow="fold")
        for tool in tools:
            advice = "; ".join(tool.notes) if tool.found else tool.how_to_get
            mark = "yes" if tool.found else "no"
            table.add_row(tool.name, mark, tool.version or "", tool.needed_for, advice)
        self._out.print(table)


def _row(layer: dict[str, Any]) -> tuple[str, ...]:
    simd = str(layer["simd"]) if layer["weight_bits"] and layer["acc_bits"] else ""
    return (
        layer["name"],
        layer["op"],
        layer["engine"],
        str(layer["pe"]),
        simd,
        f"{layer['cycles']:,}",
        str(layer["acc_bits"] or ""),
        f"{layer['weight_bits']:,}" if layer["weight_bits"] else "",
        *_cost(layer["resources"]),
    )


def _cost(resources: dict[str, int]) -> tuple[str, str, str, str]:
    lut, ff, dsp, bram = (resources[key] for key in ("lut", "ff", "dsp", "bram18"))
    return f"{lut:,}", f"{ff:,}", str(dsp or ""), str(bram or "")
