"""Results that outlive a search: the score of every assignment of formats that was evaluated.

Invariant: a file belongs to one model, one set of data and one rounding, by their hashes; a line is
whole or does not count, so a search that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from contextlib import suppress
from pathlib import Path

import numpy as np

from bitmason.diagnostics import Loc, fail, quote
from bitmason.formats.evaluation import Assignment, Plan, Score

_VERSION = 1  # of what a score means
_OTHER = "name a folder that can be written with --cache; by default it is beside the output"


def digest(plan: Plan) -> str:
    """Return what a score depends on besides the formats."""
    import onnxruntime

    found = hashlib.sha256()
    about = (_VERSION, onnxruntime.__version__, plan.rounding, plan.batch, plan.frames.shape)
    for part in (repr(about).encode(), plan.network.data):
        found.update(len(part).to_bytes(8, "little") + part)
    found.update(np.ascontiguousarray(plan.frames).data)
    found.update(np.ascontiguousarray(plan.labels, dtype="<i8").data)
    return found.hexdigest()


def key_of(assignment: Assignment) -> str:
    """Return the formats of all tensors as text."""
    return " ".join(
        "-" if form is None else f"{form.e_bits}.{form.m_bits}.{form.bias}" for form in assignment
    )


class Results:
    """Scores by assignment, kept in a file if there is one.

    `evaluated` counts the scores that were not known yet.
    """

    def __init__(self, folder: Path | None, digest: str, frames: int = 0) -> None:
        """Read what `folder` has of this search on so many frames; None keeps nothing.

        Raises:
            CompileError: C002 when the folder cannot be made or the file not be written.
        """
        self.evaluated, self._frames = 0, frames
        self._scores: dict[str, Score] = {}
        self._path = None if folder is None else folder / f"{digest[:32]}.jsonl"
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(exist_ok=True)
            if self._path.exists():
                self._read(self._path)
        except OSError as error:
            self._refuse(error)

    def _read(self, path: Path) -> None:
        """Take the whole lines; write the file again if there are others."""
        text = path.read_text(encoding="utf-8", errors="replace")
        kept = []
        for line in text.splitlines():
            # RecursionError: brackets in brackets.
            with suppress(ValueError, KeyError, TypeError, RecursionError):
                found = json.loads(line)
                self._scores[_text(found["formats"])] = _score(found, self._frames)
                kept.append(f"{line}\n")
        if "".join(kept) != text:
            staging = path.with_name(f".{path.name}-{os.getpid()}")
            staging.write_text("".join(kept), encoding="utf-8")
            staging.replace(path)

    def get(self, assignment: Assignment) -> Score | None:
        """Return the score of an assignment, if it is known."""
        return self._scores.get(key_of(assignment))

    def put(self, assignment: Assignment, score: Score) -> None:
        """Keep a new score.

        Raises:
            CompileError: C002 when the file cannot be written.
        """
        key = key_of(assignment)
        self.evaluated += 1
        self._scores[key] = score
        if self._path is None:
            return
        line = json.dumps({"formats": key, "right": score.right, "gain": score.gain}) + "\n"
        try:
            with self._path.open("ab") as file:
                file.write(line.encode())
        except OSError as error:
            self._refuse(error)

    def _refuse(self, error: OSError) -> None:
        reason = (error.strerror or "it is damaged").lower()
        loc = Loc(quote(str(self._path), 200)[1:-1])
        fail("C002", f"results cannot be kept: {reason}", loc=loc, help=_OTHER)


def _text(key: object) -> str:
    if not isinstance(key, str):
        raise TypeError
    return key


def _score(line: dict[str, object], frames: int) -> Score:
    """Return the score of a line; one that no search writes raises ValueError."""
    right, gain = line["right"], line["gain"]
    # True counts as an integer in Python.
    if not isinstance(right, int) or isinstance(right, bool) or not 0 <= right <= frames:
        raise ValueError
    if not isinstance(gain, float) or not math.isfinite(gain):
        raise ValueError
    return Score(right, gain)
