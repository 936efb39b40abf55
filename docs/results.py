"""Tables and plots of docs/ from the figures in docs/data, which benchmarks and examples measured.

    python docs/results.py            draw the plots again (needs matplotlib)

Invariant: a figure stands in docs/data alone. `generate.py` puts each table where a page names it,
so no page can differ from its figures; plots are drawn on demand and differ with matplotlib.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import mean
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from format_results import draw_formats, format_tables

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DOCS: Final = Path(__file__).resolve().parent
CLOCK_HZ: Final = 200e6
NETWORKS: Final[Mapping[str, str]] = MappingProxyType({"mlp": "MLP", "cnn": "CNN"})
OURS, FIXED = "one design, planes left out", "a network and a design for each"
# The networks of `examples/train_nary.py`: weights in all, and in the layers that keep 8 bits.
NARY_WEIGHTS: Final = 187_936
NARY_ENDS: Final = 32 * 3 * 3 + 128 * 10
CLIPPED: Final = "--gamma 3 --act-bits 8"
FLOAT: Final = "--weights float"
SWEPT: Final = ("ternary", "quinary")
SWEEP: Final = (1.0, 1.4, 1.8, 2.2)
# Where a name stands beside its point, if not above it on the right.
PLACES: Final[Mapping[str, tuple[int, int]]] = MappingProxyType(
    {
        "binary": (-36, -3),
        "ternary": (6, -6),
        "ternary, 1.4": (-62, -3),
        "quaternary-": (6, -14),
        "quinary": (4, 8),
        "quinary by quantiles": (7, -5),
        "septenary": (6, -4),
        "quinary, 1.4": (-44, 7),
        "TTQ, t = 0.2": (-66, -3),
    }
)
SHIPPED: Final = (("ternary", 1.0), ("quinary", 1.4))
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


def nary() -> dict[str, dict[str, Point]]:
    """Return what `examples/train_nary.py` measured: by options of its command line, by seed."""
    found: dict[str, dict[str, Point]] = json.loads(
        (DOCS / "data" / "nary.json").read_text(encoding="utf-8")
    )
    return found


def factored(form: str, t: float) -> str:
    """Return the options of a form at a factor of its thresholds."""
    return f"--weights {form} --t {t:g} {CLIPPED}"


NARY_FORMS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "float": FLOAT,
        "8-bit integers": f"--weights int8 {CLIPPED}",
        "TTQ, t = 0.2": factored("ttq", 0.2),
        "binary": f"--weights binary {CLIPPED}",
        **{
            name: factored(name, 1.0)
            for name in ("ternary", "quaternary+", "quaternary-", "quinary", "septenary")
        },
        "quinary by quantiles": f"--weights quantile {CLIPPED}",
        "ternary, ends too": f"{factored('ternary', 1.0)} --all-layers",
    }
)


def nary_table(kinds: Mapping[str, str]) -> str:
    """Return accuracy, zeros and memory of those of these networks that were trained."""
    found = nary()
    columns = ("weights", "runs", "right", "less than float", "zeros", "kB", "times smaller")
    rows = [
        (name, *_nary_cells(found[options], found[FLOAT]))
        for name, options in kinds.items()
        if options in found
    ]
    return table(columns, rows)


def _nary_cells(runs: dict[str, Point], floats: dict[str, Point]) -> Iterator[str]:
    """Yield the cells of one kind of weights, beside the float networks of the same seeds."""
    shares = [run["accuracy"] for run in runs.values()]
    begun = mean(floats[seed]["accuracy"] for seed in runs)
    spread = f" ({min(shares):.2f} to {max(shares):.2f})" if len(runs) > 1 else ""
    yield str(len(runs))
    yield f"{mean(shares):.2f}%{spread}"
    yield f"{begun - mean(shares):.2f}"
    yield f"{_zeros(runs):.1f}%" if "sparsity" in runs["0"] else "-"
    yield f"{_size(runs) / 1000:.1f}"
    yield f"{4 * NARY_WEIGHTS / _size(runs):.1f}"


def _accuracy(runs: dict[str, Point]) -> float:
    return mean(float(run["accuracy"]) for run in runs.values())


def _zeros(runs: dict[str, Point]) -> float:
    return mean(float(run["sparsity"]) for run in runs.values())


def _size(runs: dict[str, Point]) -> float:
    return mean(float(run["bytes"]) for run in runs.values())


def nary_memory_table() -> str:
    """Return the memory of all layers and of those with few values (Schindler, table 5.7)."""
    found = nary()
    columns = ("weights", "zeros", "all layers, kB", "saved", "coded layers, kB", "saved", "bits")
    coded = NARY_WEIGHTS - NARY_ENDS
    rows = []
    for form, t in _swept(found):
        runs = found[factored(form, t)]
        size = _size(runs)
        cells = (
            f"{form}, t = {t:g}",
            f"{_zeros(runs):.1f}%",
            f"{size / 1000:.1f}",
            f"{1 - size / (4 * NARY_WEIGHTS):.1%}",
            f"{(size - NARY_ENDS) / 1000:.1f}",
            f"{1 - (size - NARY_ENDS) / (4 * coded):.1%}",
            f"{8 * (size - NARY_ENDS) / coded:.2f}",
        )
        rows.append(cells)
    return table(columns, rows)


def nary_values_table() -> str:
    """Return the values that the weights of the networks in `examples/models` got."""
    columns = ("network", "layer", "zeros", "values", "step")
    rows = [
        (
            f"`cnn_{form}`",
            f"`{layer['name']}`",
            f"{layer['sparsity']:.1f}%",
            ", ".join(map(str, layer["values"])),
            f"1/{round(1 / layer['step'])}",
        )
        for form, t in SHIPPED
        for layer in nary()[factored(form, t)]["0"]["layers"]
    ]
    return table(columns, rows)


def few_values_table() -> str:
    """Return what the networks of few values cost at each pace, by engines."""
    points: list[Point] = json.loads((DOCS / "data" / "few_values.json").read_text())
    plain = {(p["network"], p["pace"]): p for p in points if p["engines"] == "parallel"}
    rows = []
    for point in points:
        forms = ", ".join(f"{layer} {form}" for layer, form in point["lists"].items())
        other = plain.get((point["network"], point["pace"]), point)
        gain = other["ii_cycles"] * other["price"] / (point["ii_cycles"] * point["price"])
        counts = (point[key] for key in ("ii_cycles", "lut", "ff", "dsp", "bram18", "price"))
        speed = f"{CLOCK_HZ / point['ii_cycles']:,.0f}"
        name, engines = f"`{point['network']}`", forms or "multipliers"
        rows.append((name, engines, speed, *(f"{count:,}" for count in counts), f"{gain:.2f}"))
    columns = ("network", "engines", "frames/s", "cycles", "LUT", "FF", "DSP", "BRAM18")
    return table((*columns, "all as LUT", "gain"), rows)


def _swept(found: Mapping[str, Any]) -> list[tuple[str, float]]:
    return [(form, t) for form in SWEPT for t in SWEEP if factored(form, t) in found]


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


TABLES: Final[Mapping[str, Callable[[], str]]] = MappingProxyType(
    {
        **{f"precision-{name}": partial(sweep_table, name) for name in NETWORKS},
        "few-values": few_values_table,
        "nary-forms": partial(nary_table, NARY_FORMS),
        "nary-t": partial(
            nary_table,
            {f"{form}, t = {t:g}": factored(form, t) for form in SWEPT for t in SWEEP},
        ),
        "nary-memory": nary_memory_table,
        "nary-values": nary_values_table,
        **format_tables(table),
    }
)


def plots(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, Any]:
    """Return a figure and its axes."""
    import matplotlib as mpl  # tables do without

    mpl.use("svg")
    from matplotlib import pyplot as plt

    # The same figures draw the same file.
    mpl.rcParams.update({"svg.hashsalt": "bitmason", "svg.fonttype": "none", "font.size": 9})
    return plt.subplots(rows, columns, figsize=size, layout="constrained")


def draw_precision(path: Path) -> None:
    """Draw accuracy over frames per second, and speed and error at every precision."""
    figure, axes = plots(2, 2, (10, 7.5))
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


def draw_nary(path: Path) -> None:
    """Draw accuracy and zeros over t (Schindler, table 5.5), and accuracy over memory.

    Over memory, a point is hollow where it is a single run.
    """
    figure, axes = plots(1, 2, (10, 4))
    _draw_factors(axes[0])
    _draw_memory(axes[1])
    figure.savefig(path, metadata={"Date": None})


def _draw_factors(axis: Axes) -> None:
    found = nary()
    shares = axis.twinx()
    for form, colour in zip(SWEPT, ("tab:blue", "tab:orange"), strict=True):
        factors = [t for t in SWEEP if factored(form, t) in found]
        trained = [found[factored(form, t)] for t in factors]
        for t, runs in zip(factors, trained, strict=True):
            each = [run["accuracy"] for run in runs.values()]
            axis.plot([t] * len(runs), each, ".", color=colour)
        axis.plot(factors, [_accuracy(runs) for runs in trained], "-", color=colour, label=form)
        zeros = [_zeros(runs) for runs in trained]
        shares.plot(factors, zeros, "^:", color=colour, alpha=0.5)
    axis.axhline(_accuracy(found[FLOAT]), color="gray", linestyle="--", label="float")
    axis.set(xlabel="t", ylabel="right answers, % (lines)")
    axis.grid(alpha=0.3)
    axis.legend(loc="lower left")
    shares.set(ylabel="zeros, % (triangles)", ylim=(0, 100))


def _draw_memory(axis: Axes) -> None:
    from matplotlib.ticker import LogLocator, NullLocator

    found = nary()
    chosen = {
        **{name: options for name, options in NARY_FORMS.items() if "ends" not in name},
        **{f"{form}, {t:g}": factored(form, t) for form, t in _swept(found) if t != 1},
    }
    for name, options in chosen.items():
        if options not in found:
            continue
        place = (_size(found[options]) / 1000, _accuracy(found[options]))
        filled = "full" if len(found[options]) > 1 else "none"
        axis.plot(*place, "o", color="tab:blue", fillstyle=filled)
        axis.annotate(name, place, PLACES.get(name, (5, 4)), textcoords="offset points")
    axis.set(xscale="log", xlabel="memory of the weights, kB", ylabel="right answers, %")
    axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(lambda size, _: f"{size:g}")
    axis.xaxis.set_minor_locator(NullLocator())
    axis.margins(0.15)
    axis.grid(alpha=0.3)


def main() -> None:
    """Draw all plots."""
    folder = DOCS / "figures"
    folder.mkdir(exist_ok=True)
    draw_precision(folder / "precision.svg")
    draw_nary(folder / "nary.svg")
    draw_formats(folder / "formats.svg", plots)


if __name__ == "__main__":
    main()
