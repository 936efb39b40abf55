"""A network's answers with formats on some of its tensors, computed only as far as they differ.

Invariant: frames run in batches of one size, from the first frame on, whoever asks: the numbers do
not depend on where a computation starts, nor on the process that makes it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from bitmason.diagnostics import Loc, fail
from bitmason.formats.compress import compressed
from bitmason.formats.histogram import Histogram, exponent_fields
from bitmason.formats.network import FloatNetwork, Kind
from bitmason.formats.parts import Cut, Session
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.rounding import Rounding
from bitmason.ir.types import Array

_LEAST = np.finfo(np.float32).tiny
_WORST = -float(np.log(_LEAST))  # as of a softmax that is zero
Assignment = tuple[CustomFloat | None, ...]
State = dict[str, Array]


@dataclass(frozen=True, order=True)
class Score:
    """What was answered: how many labels are right, and the mean cross-entropy, negated."""

    right: int
    gain: float


@dataclass(frozen=True)
class Plan:
    """What the evaluation of a network needs: data, and how many frames run at once.

    `classes` is how many numbers the network answers.
    """

    network: FloatNetwork
    cut: Cut
    rounding: Rounding
    frames: Array
    labels: Array
    batch: int
    classes: int = 0

    def batches(self, count: int) -> Iterator[slice]:
        """Yield the batches of `count` frames."""
        for first in range(0, count, self.batch):
            yield slice(first, min(first + self.batch, count))


@dataclass(frozen=True)
class Recording:
    """Where the tensors at the cuts are stored that a network made with the formats `assignment`.

    `folders[k]` holds those at cut k.
    """

    assignment: Assignment
    folders: tuple[Path, ...]

    def start(self, assignment: Assignment, network: FloatNetwork) -> int:
        """Return the first part whose result `assignment` may change."""
        changed = [
            site.part
            for site, ours, theirs in zip(network.sites, self.assignment, assignment, strict=True)
            if ours != theirs
        ]
        return min(changed, default=len(self.folders) - 1)


class Evaluator:
    """Runs one network in this process."""

    def __init__(self, plan: Plan) -> None:
        """Take what was prepared; sessions are made as they are needed."""
        self._plan = plan
        self._sessions: dict[int, Session] = {}
        self._compressed = lru_cache(maxsize=4 * len(plan.network.products))(self._weights)

    def score(self, assignment: Assignment, recording: Recording) -> Score:
        """Return how the network answers with these formats, from a recording on.

        Raises:
            CompileError: S001 where the float network answers NaN or infinity.
        """
        start = recording.start(assignment, self._plan.network)
        held = _stored(recording.folders[start], self._plan.cut.held[start])
        right, loss, labels = 0, 0.0, self._plan.labels
        for part in self._plan.batches(len(labels)):
            state = {name: np.asarray(array[part]) for name, array in held.items()}
            logits = self._answers(state, assignment, start)
            if not any(assignment):
                check_answers(logits, self._plan.network, part.start)
            right += int(np.sum(is_right(logits, labels[part])))
            loss += float(cross_entropy(logits, labels[part]).sum())
        return Score(right, -loss / len(labels))

    def logits(self, frames: Array, assignment: Assignment) -> Array:
        """Return what the network answers to any frames."""
        parts = self._plan.batches(len(frames))
        answers = [self._answers(self._head(frames[part]), assignment, 0) for part in parts]
        return np.concatenate(answers)

    def trace(self, frames: Array) -> State:
        """Return the float network's tensors at all cuts, and its output, for one batch."""
        floats: Assignment = (None,) * len(self._plan.network.sites)
        state = self._head(frames)
        found = dict(state)
        for k in range(len(self._plan.cut.parts)):
            state = self._advance(state, floats, k)
            found |= state
        return found

    def histogram(self, site: int, recording: Recording) -> Histogram:
        """Return the exponents of a tensor, activations being those of a recording.

        Raises:
            CompileError: S001 where an activation is not a number.
        """
        found = self._plan.network.sites[site]
        if found.kind is Kind.WEIGHTS:
            return Histogram.of(self._plan.network.weights(site))
        names = self._plan.cut.held[found.part]
        array = _stored(recording.folders[found.part], names)[found.tensor]
        fields = exponent_fields(array[:0])
        for part in self._plan.batches(len(array)):
            fields += exponent_fields(array[part])
        if fields[-1]:
            message = "what goes into this layer becomes NaN or infinite on these data"
            loc = Loc(self._plan.network.file, found.layer)
            fail("S001", message, loc=loc, help="scale the inputs as for training")
        return Histogram.from_fields(fields)

    def record(
        self, assignment: Assignment, folder: Path, earlier: Recording | None = None
    ) -> Recording:
        """Store the tensors at every cut below `folder`, but those that are stored already."""
        cut, frames = self._plan.cut, self._plan.frames
        start = -1 if earlier is None else earlier.start(assignment, self._plan.network)
        known = () if earlier is None else earlier.folders[: start + 1]
        held = {} if earlier is None else _stored(known[start], cut.held[start])
        fresh = {k: folder / str(k) for k in range(start + 1, len(cut.parts))}
        writers = {k: _Writer(path, cut.held[k], len(frames)) for k, path in fresh.items()}
        for part in self._plan.batches(len(frames)):
            state = {name: np.asarray(array[part]) for name, array in held.items()}
            for k, writer in writers.items():
                state = self._advance(state, assignment, k - 1) if k else self._head(frames[part])
                writer.write(state)
        return Recording(assignment, (*known, *fresh.values()))

    def _answers(self, state: State, assignment: Assignment, start: int) -> Array:
        cut, network = self._plan.cut, self._plan.network
        for k in range(start, len(cut.parts)):
            state = self._advance(state, assignment, k)
        answers = state[network.output].reshape(len(state[network.output]), -1)
        # As if the softmax were still to come.
        return np.log(np.maximum(answers, _LEAST)) if network.ends_in_softmax else answers

    def _head(self, frames: Array) -> State:
        cut, network = self._plan.cut, self._plan.network
        state = {network.input: frames}
        if cut.head is not None:
            state |= self._session(-1).run(state)
        return {name: state[name] for name in cut.held[0]}

    def _advance(self, state: State, assignment: Assignment, k: int) -> State:
        """Return what is held behind part k."""
        cut, product = self._plan.cut, self._plan.network.products[k]
        data = compressed(state[cut.parts[k].data], assignment[product.data], self._plan.rounding)
        weights = self._compressed(product.weights, assignment[product.weights])
        made = self._session(k).run(state, data=data, weights=weights)
        if k + 1 == len(cut.parts):
            return {**state, **made}
        return {name: made[name] if name in made else state[name] for name in cut.held[k + 1]}

    def _weights(self, site: int, form: CustomFloat | None) -> Array:
        return compressed(self._plan.network.weights(site), form, self._plan.rounding)

    def _session(self, k: int) -> Session:
        if k not in self._sessions:
            part = self._plan.cut.head if k < 0 else self._plan.cut.parts[k]
            assert part is not None
            self._sessions[k] = Session(part, self._plan.cut.file)
        return self._sessions[k]


def check_answers(answers: Array, network: FloatNetwork, first: int, name: str = "data") -> None:
    """Check that the float network answers numbers.

    Args:
        answers: what it answers to some frames.
        network: the network.
        first: the number of the first of these frames.
        name: what messages call the data.

    Raises:
        CompileError: S001 where it does not.
    """
    wild = first_wild(answers)
    if wild is not None:
        fail(
            "S001",
            f"the float network answers NaN or infinity to frame {first + wild} of the {name}, "
            "counted from 0",
            loc=network.loc,
            help="scale the inputs as for training; leave a Log at the network's end out",
        )


def first_wild(frames: Array) -> int | None:
    """Return the first of several frames that holds NaN or infinity, None if none does."""
    wild = ~np.isfinite(frames).all(axis=tuple(range(1, frames.ndim)))
    return int(wild.argmax()) if wild.any() else None


def is_right(logits: Array, labels: Array) -> Array:
    """Return which frames are answered with their labels; what holds NaN is no answer."""
    return np.asarray((logits.argmax(axis=1) == labels) & ~np.isnan(logits).any(axis=1))


def cross_entropy(logits: Array, labels: Array) -> Array:
    """Return the cross-entropy of each frame; what is no number counts as the worst one."""
    wide = logits.astype(np.float64)
    with np.errstate(invalid="ignore"):
        wide = wide - wide.max(axis=1, keepdims=True)
        total = np.log(np.exp(wide).sum(axis=1))
        found = np.asarray(total - wide[np.arange(len(labels)), labels])
    return np.where(np.isfinite(found), found, _WORST)


def discard(old: Recording, kept: Recording) -> None:
    """Remove the files of a recording that another does not need."""
    for folder in set(old.folders) - set(kept.folders):
        shutil.rmtree(folder, ignore_errors=True)


class _Writer:
    """Writes the tensors of a cut, batch after batch, each to a .npy file.

    Plain writes, no mapped memory: a full disk is an error then, not a signal.
    """

    def __init__(self, folder: Path, names: Sequence[str], frames: int) -> None:
        folder.mkdir(parents=True)
        self._folder, self._names, self._frames = folder, names, frames
        self._begun = False

    def write(self, state: State) -> None:
        for i, name in enumerate(self._names):
            array = np.ascontiguousarray(state[name])
            with (self._folder / f"{i}.npy").open("ab") as file:
                if not self._begun:
                    header = np.lib.format.header_data_from_array_1_0(array)
                    header["shape"] = (self._frames, *array.shape[1:])
                    np.lib.format.write_array_header_1_0(file, header)
                file.write(array.data)
        self._begun = True


def _stored(folder: Path, names: Sequence[str]) -> State:
    """Return the tensors of a cut, read as they are needed."""
    return {name: np.load(folder / f"{i}.npy", mmap_mode="r") for i, name in enumerate(names)}
