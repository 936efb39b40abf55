"""Tables and plots of the format search, from what `examples/search_formats.py` measured.

Invariant: as in results.py, figures stand in docs/data alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Report = dict[str, Any]
DOCS: Final = Path(__file__).resolve().parent
NETWORKS: Final[Mapping[str, str]] = MappingProxyType({"lenet5": "LeNet-5", "cnv": "narrow CNV"})
SEARCHES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "accurate": "truncating",
        "accurate, nearest": "`--nearest`",
        "accurate, 100%": "`--accuracy 1`",
        "accurate, nearest, 100%": "`--nearest --accuracy 1`",
    }
)
# Those whose networks are in examples/float.
KEPT: Final[Mapping[str, str]] = MappingProxyType(
    {"lenet5": "accurate", "cnv": "accurate, nearest, 100%"}
)
CHOICES: Final = ("exact", "accurate", "approximate")
# Histograms that are drawn: network, layer and kind of a tensor.
SHOWN: Final = (
    ("lenet5", "fc1", "weights"),
    ("lenet5", "fc1", "activations"),
    ("cnv", "conv1_Conv", "weights"),
    ("cnv", "conv1_Conv", "activations"),
)
DATA_FLOOR: Final = 1e-6  # of a share, where an axis of them begins


def searches() -> dict[str, dict[str, Report]]:
    """Return what was measured: by network, then by search."""
    text = (DOCS / "data" / "formats.json").read_text(encoding="utf-8")
    found: dict[str, dict[str, Report]] = json.loads(text)
    return found


def kept_of(network: str) -> Report:
    """Return the report of the search that found the network in the examples."""
    return searches()[network][KEPT[network]]


def rows_of_searches() -> Iterator[tuple[str, ...]]:
    """Yield a row for each search, behind that of its float network."""
    for network, name in NETWORKS.items():
        reports = searches()[network]
        first = next(iter(reports.values()))
        floats = (f"{first['float']['accuracy']:.2%}", f"{first['test']['accuracy_float']:.2%}")
        yield (name, "float32", "32", "32", "100%", *floats, "-", "-")
        for search, how in SEARCHES.items():
            if search in reports:
                yield (name, how, *_cells(reports[search]))


def _cells(report: Report) -> Iterator[str]:
    chosen, test, replay = report["chosen"], report["test"], report["replay"]
    yield from (f"{chosen[f'bits_per_{kind}']:.2f}" for kind in ("weight", "activation"))
    yield f"{chosen['memory']:.1%}"
    yield f"{chosen['accuracy']:.2%} ({chosen['normalised']:.2%} of it)"
    yield f"{test['accuracy']:.2%} ({test['normalised']:.2%} of it)"
    yield f"{replay['replayed']:.1%}"
    yield f"{replay['accuracy']:.2%} (float32 {replay['accuracy_float']:.2%})"


SEARCH_COLUMNS: Final = (
    *("network", "search", "bits a weight", "bits an activation", "memory"),
    *("right on the 5,000", "right on the test set", "replayed", "right with replays"),
)


def rows_of_tensors(network: str) -> Iterator[tuple[str, ...]]:
    """Yield a row for each tensor of the network that is kept."""
    for tensor in kept_of(network)["tensors"]:
        form, bits_of = tensor["format"], tensor["bits_of"]
        exponents = [int(e) for e in tensor["exponents"]]
        yield (
            f"`{tensor['layer']}`",
            tensor["kind"],
            f"{tensor['values']:,}",
            f"{min(exponents)} to {max(exponents)}",
            f"{tensor['coverage']:.2%}",
            *(str(bits_of[choice]) for choice in CHOICES),
            f"e{form['e_bits']} m{form['m_bits']} bias {form['bias']}" if form else "float32",
            str(tensor["bits"]),
        )


TENSOR_COLUMNS: Final = (
    *("layer", "tensor", "values", "exponents", "covered"),
    *CHOICES,
    *("chosen", "bits"),
)


def format_tables(table: Callable[..., str]) -> dict[str, Callable[[], str]]:
    """Return what makes each table of the search, written by `table`."""
    return {
        "formats-searches": lambda: table(SEARCH_COLUMNS, rows_of_searches()),
        **{f"formats-{network}": partial(_tensor_table, table, network) for network in NETWORKS},
    }


def _tensor_table(table: Callable[..., str], network: str) -> str:
    return table(TENSOR_COLUMNS, rows_of_tensors(network))


def draw_formats(path: Path, plots: Callable[..., Any]) -> None:
    """Draw histograms (Zamirai, figure 4.7), bits of each layer, and accuracy against bits."""
    figure, axes = plots(3, 2, (10, 10.5))
    for axis, (network, layer, kind) in zip(axes[:2].flat, SHOWN, strict=True):
        _draw_histogram(axis, network, layer, kind)
    _draw_bits(axes[2][0])
    _draw_accuracy(axes[2][1])
    figure.savefig(path, metadata={"Date": None})


def _draw_histogram(axis: Axes, network: str, layer: str, kind: str) -> None:
    (tensor,) = (t for t in kept_of(network)["tensors"] if (t["layer"], t["kind"]) == (layer, kind))
    counts = {int(exponent): count for exponent, count in tensor["exponents"].items()}
    total, form = sum(counts.values()), tensor["format"]
    lowest = 1 - form["bias"]
    highest = 2 ** form["e_bits"] - 2 - form["bias"]
    inside = ["tab:blue" if lowest <= e <= highest else "tab:red" for e in counts]
    axis.bar([*counts], [max(n / total, DATA_FLOOR) for n in counts.values()], color=inside)
    axis.axvspan(lowest - 0.5, highest + 0.5, color="tab:green", alpha=0.15)
    text = f"bias {form['bias']}, {form['e_bits']} + {form['m_bits']} bits"
    name = layer.removesuffix("_Conv")
    axis.set(title=f"{NETWORKS[network]}, {name}, {kind}: {text}", yscale="log")
    axis.set(xlabel="exponent (shaded: those of the format)", ylabel="share of non-zero numbers")


def _draw_bits(axis: Axes) -> None:
    """Draw the bits of the tensors of each layer, weights beside activations."""
    names: list[str] = []
    for kind, side, colour in (("weights", -0.2, "tab:blue"), ("activations", 0.2, "tab:orange")):
        bits: list[int] = []
        names = []
        for network in NETWORKS:
            tensors = kept_of(network)["tensors"]
            chosen = [tensor for tensor in tensors if tensor["kind"] == kind]
            names += [f"{network} {tensor['layer'].removesuffix('_Conv')}" for tensor in chosen]
            bits += [tensor["bits"] for tensor in chosen]
        places = [place + side for place in range(len(bits))]
        axis.bar(places, bits, width=0.4, label=kind, color=colour)
    axis.set_xticks(range(len(names)), names, rotation=90)
    axis.set(title="chosen formats", ylabel="bits a number")
    axis.set(ylim=(0, 13))
    axis.legend(loc="upper left", ncols=2)


def _draw_accuracy(axis: Axes) -> None:
    """Draw what is left of the right answers over the bits, before widening and as chosen."""
    for network, colour in zip(NETWORKS, ("tab:blue", "tab:orange"), strict=True):
        report = kept_of(network)
        points = [*report["networks"].values(), report["chosen"]]
        bits = [_mean_bits(point) for point in points]
        kept = [100 * point["normalised"] for point in points]
        axis.plot(bits[:-1], kept[:-1], "o", color=colour, label=NETWORKS[network])
        axis.plot(bits[-1:], kept[-1:], "*", color=colour, markersize=12)
        for name, place in zip((*CHOICES, "widened"), zip(bits, kept, strict=True), strict=True):
            beside = (-14, 7) if name == "widened" else (5, -10)
            axis.annotate(name, place, beside, textcoords="offset points")
    axis.axhline(99.8, color="grey", linestyle=":")
    axis.set(title="all tensors together", xlabel="mean bits of weights and activations")
    axis.set(ylabel="kept of the right answers, %")
    axis.margins(0.15)
    axis.legend(loc="lower right")


def _mean_bits(point: Mapping[str, float]) -> float:
    return (point["bits_per_weight"] + point["bits_per_activation"]) / 2
