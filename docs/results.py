"""Tables and plots of docs/ from the figures in docs/data, which benchmarks and examples measured.

    python docs/results.py            draw the plots again (needs matplotlib)

Invariant: a figure stands in docs/data alone. `generate.py` puts each table where a page names it,
so no page can differ from its figures; plots are drawn on demand and differ with matplotlib.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DOCS: Final = Path(__file__).resolve().parent
CLOCK_HZ: Final = 200e6
NETWORKS: Final[Mapping[str, str]] = MappingProxyType({"mlp": "MLP", "cnn": "CNN"})
OURS, FIXED = "one design, planes left out", "a network and a design for each"
_PLACE: Final = re.compile(r"<!-- table: (\S+) -->\n.*?(?=\n(?:\n|\Z))", re.DOTALL)

Point = dict[str, Any]


def with_tables(text: str) -> str:
    """Return a page with today's tables under the comments that name them."""
    return _PLACE.sub(
        lambda found: f"<!-- table: {found[1]} -->\n{TABLES[found[1]]().rstrip()}", text
    )


def sweep(network: str) -> list[Point]:
    """Return what `benchmarks/precision_sweep.py` measured of a network, one point per setting."""
    points = json.loads((DOCS / "data" / "precision_sweep.json").read_text(encoding="utf-8"))
    return [point for point in points if point["network"] == network]


def sweep_table(network: str) -> str:
    """Return accuracy, cycles and LUT of one design at every setting, and of those trained so."""
    columns = ("planes", "right", "cycles", "LUT", "trained so: right", "its cycles", "its LUT")
    rows = [
        (
            f"{point['wbits']} x {point['abits']}",
            f"{point['accuracy']:.1%}",
            f"{point['ii_cycles']:,}",
            f"{point['lut']:,}",
            "-" if point["trained"] is None else f"{point['trained']:.1%}",
            "-" if point["fixed_cycles"] is None else f"{point['fixed_cycles']:,}",
            "-" if point["fixed_lut"] is None else f"{point['fixed_lut']:,}",
        )
        for point in sweep(network)
    ]
    return table(columns, rows)


TABLES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {f"precision-{name}": partial(sweep_table, name) for name in NETWORKS}
)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def draw_precision(path: Path) -> None:
    """Draw accuracy over frames per second, and speed and error at every precision."""
    import matplotlib as mpl  # tables do without

    mpl.use("svg")
    from matplotlib import pyplot as plt

    # The same figures draw the same file.
    mpl.rcParams.update({"svg.hashsalt": "bitmason", "svg.fonttype": "none", "font.size": 9})
    figure, axes = plt.subplots(2, 2, figsize=(10, 7.5), layout="constrained")
    for column, network in enumerate(NETWORKS):
        _draw_accuracy(axes[0][column], network)
        _draw_speed(axes[1][column], network)
    axes[0][0].legend(loc="center left")
    figure.savefig(path, metadata={"Date": None})


def _draw_accuracy(axis: Axes, network: str) -> None:
    """Draw in the shape of Schindler, figure 4.7."""
    from matplotlib.ticker import LogLocator, NullLocator

    points = sweep(network)
    shared = [p for p in points if p["fixed_cycles"] is not None and p["trained"] is not None]
    for chosen, share, cycles, label, marker, above in (
        (points, "accuracy", "ii_cycles", OURS, "o", -12),
        (shared, "trained", "fixed_cycles", FIXED, "^", 6),
    ):
        rates = [CLOCK_HZ / point[cycles] for point in chosen]
        axis.scatter(rates, [100 * point[share] for point in chosen], marker=marker, label=label)
        for point, rate in zip(chosen, rates, strict=True):
            if point["wbits"] == point["abits"]:
                place = (rate, 100 * point[share])
                text = f"w{point['wbits']}a{point['abits']}"
                axis.annotate(text, place, (-10, above), textcoords="offset points")
    axis.set(title=NETWORKS[network], xscale="log", xlabel="thousand frames/s at 200 MHz")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(lambda rate, _: f"{rate / 1000:g}")
    axis.xaxis.set_minor_locator(NullLocator())
    axis.margins(0.1)
    axis.set(ylabel="right answers, %")
    axis.grid(alpha=0.3)


def _draw_speed(axis: Axes, network: str) -> None:
    """Draw in the shape of Schindler, figure 4.5."""
    points = sorted(sweep(network), key=lambda p: (p["wbits"] * p["abits"], p["wbits"]))
    names = [f"w{p['wbits']}a{p['abits']}" for p in points]
    most = max(point["ii_cycles"] for point in points)
    axis.bar(names, [most / p["ii_cycles"] for p in points], color="tab:green", alpha=0.6)
    axis.set(ylabel="times as fast as w4a4 (bars)")
    axis.tick_params(axis="x", rotation=90)
    errors = axis.twinx()
    errors.plot(names, [100 - 100 * p["accuracy"] for p in points], "o-", label=OURS)
    trained = [p for p in points if p["trained"] is not None]
    where = [f"w{p['wbits']}a{p['abits']}" for p in trained]
    errors.plot(where, [100 - 100 * p["trained"] for p in trained], "^", label=FIXED)
    errors.set(ylabel="wrong answers, % (lines)", ylim=(0, None))


def main() -> None:
    """Draw all plots."""
    folder = DOCS / "figures"
    folder.mkdir(exist_ok=True)
    draw_precision(folder / "precision.svg")


if __name__ == "__main__":
    main()
