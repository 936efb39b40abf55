"""A search from files to files: what `bitmason formats` does.

Invariant: everything that can be refused without a search is refused before it, and files are
written after it, whole.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from fractions import Fraction
from os.path import realpath
from pathlib import Path
from typing import Any

from bitmason.arrays import check_outputs, read_array
from bitmason.diagnostics import Loc, did_you_mean, fail, quote
from bitmason.files import write_whole
from bitmason.formats.network import load_network
from bitmason.formats.preparation import Data
from bitmason.formats.report import report_of
from bitmason.formats.search import Found, Progress, Wishes, search
from bitmason.formats.sweep import Choice, Rules
from bitmason.formats.writing import with_formats
from bitmason.ir.custom_float import NEAREST, TRUNCATE

_SAVED = "save training inputs and their classes with numpy.save, and give --data and --labels"


@dataclass(frozen=True)
class Files:
    """What is read and written; None is not given."""

    model: Path
    data: Path | None
    labels: Path | None
    test_data: Path | None
    test_labels: Path | None
    output: Path | None
    report: Path | None
    cache: Path | None

    @property
    def read(self) -> dict[str, str]:
        """What is read: how messages call it, by its place."""
        given = (
            (self.model, "the model"),
            (self.data, "--data"),
            (self.labels, "--labels"),
            (self.test_data, "--test-data"),
            (self.test_labels, "--test-labels"),
            (self.cache, "--cache"),
        )
        return {realpath(path): name for path, name in given if path is not None}

    @property
    def kept_in(self) -> Path | None:
        """The folder of kept scores: beside the output by default, if that is to be a file."""
        if self.cache is not None or self.output is None or not _is_plain(self.output):
            return self.cache
        return self.output.with_name(f"{self.output.name}.search")


def wishes_of(network: str, accuracy: float, kept: float, *, nearest: bool) -> Wishes:
    """Return what the options of the command line ask for.

    Raises:
        CompileError: C001 for a network that does not exist.
    """
    if network not in set(Choice):
        names = ", ".join(Choice)
        help_line = did_you_mean(network, Choice) or f"the networks are {names}"
        fail("C001", f"there is no network {quote(network)}", loc=Loc("<options>"), help=help_line)
    return Wishes(
        choice=Choice(network),
        accuracy=Fraction(str(accuracy)),
        rounding=NEAREST if nearest else TRUNCATE,
        rules=Rules(kept=Fraction(str(kept))),
    )


def run_search(
    files: Files, wishes: Wishes, jobs: int, progress: Progress
) -> tuple[dict[str, Any], list[Path]]:
    """Search, write what was asked for, and return the report and the files that were written.

    Raises:
        CompileError: an F code for a model that cannot be searched, S001 to S008 for data and what
            comes of them, C002 for files that cannot be written.
    """
    _check_places(files)
    network = load_network(files.model)
    data = _data(files.data, files.labels, "data")
    if data is None:
        fail("S007", "there are no data to search on", loc=network.loc, help=_SAVED)
    test = _data(files.test_data, files.test_labels, "test data")
    found = search(
        network, data, wishes, test=test, jobs=jobs, cache=files.kept_in, progress=progress
    )
    _check_reached(found)
    report = report_of(found)
    contents: dict[Path, bytes] = {}
    if files.output is not None:
        contents[files.output] = with_formats(network, found.formats, wishes.rounding)
    if files.report is not None:
        contents[files.report] = (json.dumps(report, indent=1) + "\n").encode()
    for path, content in contents.items():
        write_whole(path, content)
    return report, list(contents)


def _data(frames: Path | None, labels: Path | None, name: str) -> Data | None:
    if frames is None and labels is None:
        return None
    if frames is None or labels is None:
        missing = "inputs" if frames is None else "labels"
        fail("S007", f"the {name} have no {missing}", loc=Loc("<options>"), help=_SAVED)
    return Data(read_array(frames), read_array(labels), name)


def _check_places(files: Files) -> None:
    """Check that what is written goes to files of its own."""
    taken = files.read
    for option, path in (("-o", files.output), ("--report", files.report)):
        if path is None:
            continue
        check_outputs(path)
        owner = taken.get(realpath(path))
        if owner is not None:
            fail(
                "C002",
                f"{option} cannot take the place of {owner}",
                loc=Loc(quote(str(path), 200)[1:-1]),
                help=f"name another file with {option}",
            )
        if _is_plain(path):
            taken[realpath(path)] = option


def _is_plain(path: Path) -> bool:
    """Return whether a file is written there, and no pipe or device."""
    return path.is_file() or not path.exists()


def _check_reached(found: Found) -> None:
    if not found.reached:
        fail(
            "S008",
            f"formats as wide as hardware is built for keep {float(found.normalised):.2%} of the "
            f"right answers and {found.likelihood:.2%} of their likelihood, "
            f"{float(found.wishes.accuracy):.2%} of both are wanted",
            loc=found.network.loc,
            help="ask for less with --accuracy, keep more exponents with --kept, or use --nearest",
        )
