"""What the command line prints: results on stdout, progress and diagnostics on stderr.

Invariant: nothing else in the package prints.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from bitmason.diagnostics import Diagnostic, fail

if TYPE_CHECKING:
    from bitmason.simulation import Measured
    from bitmason.toolchain.doctor import ToolStatus
    from bitmason.verification import Claim

_WIDTH = 160
_COSTS = {"lut": "LUT", "ff": "FF", "dsp": "DSP", "bram18": "BRAM18"}


class Terminal:
    """Prints for people, or JSON lines for scripts where diagnostics are concerned."""

    def __init__(self) -> None:
        """Print diagnostics as text until told otherwise."""
        self.json = False

    def text(self, text: str) -> None:
        """Print plain text as it is, and at once.

        A reader that has seen enough (`| head`) is no fault: the work goes on in silence.

        Raises:
            CompileError: C006 when the text cannot be written.
        """
        try:
            sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError:
            _discard_stdout()
        except OSError as error:
            _discard_stdout()
            fail("C006", f"standard output cannot be written: {error.strerror}")

    def diagnostics(self, found: Sequence[Diagnostic]) -> None:
        """Print diagnostics on stderr."""
        with suppress(OSError):  # nobody is left to tell
            for diagnostic in found:
                text = diagnostic.to_json() if self.json else str(diagnostic)
                sys.stderr.write(text + "\n")
            sys.stderr.flush()

    def _table(self, table: Table) -> None:
        # A file like stdout, so that the table is drawn with characters that stdout can hold.
        drawn = BytesIO()
        encoding = sys.stdout.encoding or "utf-8"
        with TextIOWrapper(drawn, encoding, errors="backslashreplace") as file:
            # A pipe has no width of its own; tables there need not fold.
            watched = sys.stdout.isatty()
            width = None if watched else _WIDTH
            console = Console(
                file=file, force_terminal=watched, highlight=False, markup=False, width=width
            )
            console.print(table)
            file.flush()
            text = drawn.getvalue().decode(encoding)
        self.text(text)

    @property
    def _shows_progress(self) -> bool:
        return not self.json and sys.stderr.isatty()

    @contextmanager
    def steps(self) -> Iterator[Callable[[str], None]]:
        """Show the name of the step that is running, where a person watches."""
        if not self._shows_progress:
            yield lambda _: None
            return
        with Console(stderr=True, markup=False).status("starting") as status:
            yield lambda step: status.update(step)

    @contextmanager
    def frames(self, total: int, engine: str) -> Iterator[Callable[[int], None]]:
        """Show how many frames are done, where a person watches."""
        if not self._shows_progress:
            yield lambda _: None
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task(f"{engine}: building and running", total=total)
            yield lambda done: progress.update(task, completed=done)

    @contextmanager
    def search(self) -> Iterator[Callable[[str, int, int], None]]:
        """Show a step of a search and how far it is, where a person watches."""
        if not self._shows_progress:
            yield lambda _step, _done, _total: None
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("starting", total=None)
            yield lambda step, done, total: progress.update(
                task, description=step, completed=done, total=total or None
            )

    def formats(self, report: dict[str, Any], written: Sequence[Path]) -> None:
        """Print what a search of formats has found, and where it went."""
        from bitmason.formats.table import tensors_table, totals_text

        self._table(tensors_table(report))
        self.text(totals_text(report))
        if written:
            self.text(f"wrote {', '.join(map(str, written))}\n")

    def compiled(self, report: dict[str, Any], folder: Path) -> None:
        """Print what `compile` made."""
        used = report["resources"]
        self.text(
            f"{folder}: {report['model']}, {len(report['layers'])} layers, one frame every "
            f"{report['ii_cycles']} cycles ({report['frames_per_second']:,.0f} frames/s at "
            f"{report['clock_mhz']:g} MHz), latency {report['latency_cycles']} cycles\n"
            f"estimated {used['lut']:,} LUT, {used['ff']:,} FF, {used['dsp']} DSP, "
            f"{used['bram18']} BRAM18; the pace is set by '{report['bottleneck']}'\n"
        )

    def simulated(self, measured: Measured, written: Sequence[Path]) -> None:
        """Print what `simulate` measured."""
        line = (
            f"{measured.engine}: {measured.frames} frames in {measured.seconds:.2f} s "
            f"({measured.samples_per_second:,.0f} frames/s)"
        )
        if measured.cycles is not None:
            ii = "varies" if measured.ii_cycles is None else f"{measured.ii_cycles} cycles"
            line += f"; between frames {ii}, latency {measured.latency_cycles} cycles"
        self.text(f"{line}\nwrote {', '.join(map(str, written))}\n")

    def claims(self, claims: Sequence[Claim]) -> None:
        """Print one line for each thing that `verify` compared."""
        for claim in claims:
            verdict = "equal" if claim.holds else "DIFFERENT"
            self.text(f"{claim.name:<28} {verdict:<10} {claim.detail}\n")
            self.text("".join(f"  note: {note}\n" for note in claim.notes))

    def report(self, report: dict[str, Any], measured: dict[str, Any] | None = None) -> None:
        """Print the tables of layers, weight memories and FIFOs, and what they come to."""
        self._layers(report)
        self._engines(report)
        self._weights(report)
        self._few_values(report)
        self._fifos(report)
        ideal, found = report["ideal_ii_cycles"], report["ii_cycles"]
        lines = [
            f"one frame every {found} cycles ({report['frames_per_second']:,.0f} frames/s), "
            f"latency {report['latency_cycles']} cycles; "
            f"the pace is set by '{report['bottleneck']}'.",
            f"Ideal is one every {ideal} cycles, which that layer takes alone: "
            f"{ideal / found:.1%} of it reached.",
        ]
        if measured is not None and measured.get("ii_cycles"):
            cycles, settings = measured["ii_cycles"], measured.get("settings")
            if settings:  # which change the ideal, too
                shown = ", ".join(f"{name}={value}" for name, value in settings.items())
                lines.append(f"Simulated in RTL with {shown}: one every {cycles} cycles.")
            else:
                share = f"{ideal / cycles:.1%} of the ideal"
                lines.append(f"Simulated in RTL: one every {cycles} cycles, {share}.")
        lines.append("Cycles are exact; resources are estimates until synthesis.")
        self.text("\n".join(lines) + "\n")

    def _layers(self, report: dict[str, Any]) -> None:
        title = f"{report['model']} at {report['clock_mhz']:g} MHz"
        table = Table(title=title, title_justify="left")
        table.add_column("layer", overflow="fold")
        table.add_column("op")
        table.add_column("engine")
        for name in ("PE", "SIMD", "mmv", "cycles", "acc bits", "weight bits", *_COSTS.values()):
            table.add_column(name, justify="right")
        for layer in report["layers"]:
            table.add_row(*_row(layer))
        table.add_section()
        total = report["resources"]
        weights = sum(layer["weight_bits"] for layer in report["layers"])
        table.add_row(
            *("total", "", "", "", "", ""),
            *(f"{report['ii_cycles']:,}", "", f"{weights:,}", *_cost(total)),
        )
        self._table(table)

    def _engines(self, report: dict[str, Any]) -> None:
        """Print what each engine would have cost at the pace of the design, and which was taken."""
        table = Table(title="engines at this pace", title_justify="left")
        table.add_column("layer", overflow="fold")
        table.add_column("engine")
        for name in ("PE", "SIMD", "mmv", "cycles", "price in LUT"):
            table.add_column(name, justify="right")
        table.add_column("why", overflow="fold")
        for layer in report["layers"]:
            for engine in layer["engines"]:
                mmv = str(engine["mmv"]) if engine["mmv"] > 1 else ""
                table.add_row(
                    *(layer["name"], engine["engine"], str(engine["pe"]), str(engine["simd"])),
                    *(mmv, f"{engine['cycles']:,}", f"{engine['price']:,}", engine["why"]),
                )
        if table.rows:
            self._table(table)

    def _weights(self, report: dict[str, Any]) -> None:
        """Print what holds the weights, and how well block RAMs are filled."""
        table = Table(title="weights", title_justify="left")
        table.add_column("layer", overflow="fold")
        for name in ("bits", "words", "word width", "memory", "BRAM18", "filled"):
            table.add_column(name, justify="left" if name == "memory" else "right")
        weighted = [layer for layer in report["layers"] if layer["weight_memory"]]
        for layer in weighted:
            memory, bits = layer["weight_memory"], layer["weight_bits"]
            table.add_row(
                *(layer["name"], f"{bits:,}", f"{memory['words']:,}", f"{memory['word_bits']:,}"),
                *(memory["memory"], *_blocks(memory)),
            )
        table.add_section()
        total = report["weight_memory"]
        table.add_row("total", f"{total['bits']:,}", "", "", "", *_blocks(total))
        if weighted:
            self._table(table)

    def _few_values(self, report: dict[str, Any]) -> None:
        """Print what Reduce-and-Scale makes of weights of few values."""
        table = Table(title="weights of few values", title_justify="left")
        for name in ("layer", "form", "values"):
            table.add_column(name, overflow="fold")
        for name in ("zeros", "additions", "adders", "steps", "busy"):
            table.add_column(name, justify="right")
        for layer in report["layers"]:
            if few := layer["few_values"]:
                counts = (f"{few[key]:,}" for key in ("additions", "adders", "steps"))
                table.add_row(
                    *(layer["name"], few["form"], ", ".join(map(str, few["values"]))),
                    *(f"{few['zeros']:.1%}", *counts),
                    "" if few["busy"] is None else f"{few['busy']:.1%}",
                )
        if table.rows:
            self._table(table)

    def _fifos(self, report: dict[str, Any]) -> None:
        """Print the FIFOs, and what they would be if each held a frame."""
        table = Table(title="FIFOs", title_justify="left")
        for name in ("what for", "why"):
            table.add_column(name, overflow="fold")
        for name in ("depth", "width", "bits", "bits of a frame", "memory"):
            table.add_column(name, justify="left" if name == "memory" else "right")
        for fifo in report["fifos"]:
            sizes = (fifo[key] for key in ("depth", "width", "bits", "frame_bits"))
            place, why = fifo["purpose"], fifo["reason"]
            table.add_row(place, why, *(f"{size:,}" for size in sizes), fifo["memory"])
        table.add_section()
        table.add_row(
            *("total", "", "", ""),
            *(f"{report['fifo_bits']:,}", f"{report['fifo_bits_if_frames']:,}", ""),
        )
        if report["fifos"]:
            self._table(table)

    def tools(self, tools: Sequence[ToolStatus]) -> None:
        """Print the table of tools."""
        table = Table(title="tools", title_justify="left")
        for name in ("tool", "found", "version", "needed for", "what to do"):
            table.add_column(name, overflow="fold")
        for tool in tools:
            advice = "; ".join(tool.notes) if tool.found else tool.how_to_get
            mark = "yes" if tool.found else "no"
            table.add_row(tool.name, mark, tool.version or "", tool.needed_for, advice)
        self._table(table)


def _discard_stdout() -> None:
    """Send what is still to come to nowhere, the text that waits in the buffer included."""
    with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _row(layer: dict[str, Any]) -> tuple[str, ...]:
    simd = str(layer["simd"]) if layer["weight_bits"] and layer["acc_bits"] else ""
    return (
        layer["name"],
        layer["op"],
        layer["engine"],
        str(layer["pe"]),
        simd,
        str(layer["mmv"]) if layer["mmv"] > 1 else "",
        f"{layer['cycles']:,}",
        str(layer["acc_bits"] or ""),
        f"{layer['weight_bits']:,}" if layer["weight_bits"] else "",
        *_cost(layer["resources"]),
    )


def _blocks(memory: dict[str, Any]) -> tuple[str, str]:
    """Return the block RAMs, and the part of them that holds weights."""
    filled = memory["efficiency"]
    return str(memory["bram18"] or ""), "" if filled is None else f"{filled:.0%}"


def _cost(resources: dict[str, int]) -> tuple[str, str, str, str]:
    lut, ff, dsp, bram = (resources[key] for key in _COSTS)
    return f"{lut:,}", f"{ff:,}", str(dsp or ""), str(bram or "")
