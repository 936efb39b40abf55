# SPDX-License-Identifier: Apache-2.0
"""Searches formats for the float networks of the examples, and stores what the searches found.

`train_float.py --arrays DIR` writes the arrays; `bitmason formats` does the same for one network.
"""

import json
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from bitmason.files import write_whole
from bitmason.formats import Choice, Data, Wishes, load_network, search
from bitmason.formats.report import report_of
from bitmason.formats.writing import with_formats
from bitmason.ir.custom_float import NEAREST, TRUNCATE

FLOAT = Path(__file__).resolve().parent / "float"
NETWORKS = ("lenet5", "cnv")
# The name of a search, the network that is widened, its accuracy, and how numbers are rounded.
SEARCHES = {
    "accurate": Wishes(Choice.ACCURATE, Fraction("0.998"), rounding=TRUNCATE),
    "accurate, nearest": Wishes(Choice.ACCURATE, Fraction("0.998"), rounding=NEAREST),
    "accurate, 100%": Wishes(Choice.ACCURATE, Fraction(1), rounding=TRUNCATE),
    "accurate, nearest, 100%": Wishes(Choice.ACCURATE, Fraction(1), rounding=NEAREST),
}
# The search whose network is kept: 8 bits or less, and 99.8 % of float's accuracy on the test set.
WRITTEN = {"lenet5": "accurate", "cnv": "accurate, nearest, 100%"}


def load(folder: Path, name: str) -> Data:
    """The frames and labels of a set."""
    return Data(np.load(folder / f"{name}_x.npy"), np.load(folder / f"{name}_y.npy"), name)


def main(
    arrays: Annotated[Path, typer.Option(help="Folder of the arrays.")],
    figures: Annotated[Path, typer.Option(help="JSON file that takes the figures.")],
    network: Annotated[str, typer.Option(help="One of the networks; default: all.")] = "",
    only: Annotated[str, typer.Option(help="One of the searches; default: all.")] = "",
    cache: Annotated[Path | None, typer.Option(help="Folder of kept scores.")] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Processes; 0: one for each core.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder of the chosen networks.")] = FLOAT,
) -> None:
    """Searches formats for float networks and stores what the searches found."""
    out.mkdir(parents=True, exist_ok=True)
    searched, test = load(arrays, "search"), load(arrays, "test")
    for name in [network] if network else NETWORKS:
        loaded = load_network(FLOAT / f"{name}.onnx")
        for key, wishes in SEARCHES.items():
            if only not in {"", key}:
                continue
            found = search(loaded, searched, wishes, test=test, jobs=jobs, cache=cache)
            store(figures, name, key, report_of(found))
            typer.echo(f"{name}, {key}: {float(found.normalised):.2%}, {len(found.steps)} repairs")
            if key == WRITTEN[name]:
                content = with_formats(loaded, found.formats, wishes.rounding)
                write_whole(out / f"{name}_formats.onnx", content)


def store(path: Path, network: str, key: str, report: dict[str, Any]) -> None:
    """Puts one report among the others of a JSON file, a line each, without every try."""
    found = json.loads(path.read_text()) if path.is_file() else {}
    tensors = [{k: v for k, v in t.items() if k != "explored"} for t in report["tensors"]]
    found.setdefault(network, {})[key] = {**report, "tensors": tensors}
    networks = [
        f"{json.dumps(name)}: {{\n"
        + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in searches.items())
        + "\n}"
        for name, searches in found.items()
    ]
    write_whole(path, ("{\n" + ",\n".join(networks) + "\n}\n").encode())


if __name__ == "__main__":
    typer.run(main)
