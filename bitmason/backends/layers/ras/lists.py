"""The lists of a folded Reduce-and-Scale unit: what each adder adds, and what its sums become.

Invariant: a step names one addition for each adder, and for each scaler at most one sum that it
multiplies. A run, the additions of one row and class in one adder, is picked in the step of its
last addition, so no two runs of a scaler end in the same step. Rows go out in ascending order.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from bitmason.ir.codebook import ZERO
from bitmason.ir.types import Array, IntArray, IntType


@dataclass(frozen=True)
class Run:
    """Additions of one adder in a row: places of elements in its bank that meet equal weights."""

    row: int
    code: int
    slots: IntArray

    def split(self, length: int) -> tuple[Run, Run]:
        """Return the first `length` additions, and the others."""
        return (
            Run(self.row, self.code, self.slots[:length]),
            Run(self.row, self.code, self.slots[length:]),
        )


@dataclass(frozen=True, eq=False)
class Lists:
    """What the unit does in each step for a vector of each group.

    Adder `pe * simd + s` adds column `slots * simd + s`; a run begins at `first`: both are [groups,
    steps, adders]. What scalers do is [groups, steps, scalers]: the sum of `adder * scalers +
    scaler`, with the addition of the same step, times the value of `code` (`ZERO`: nothing) joins
    this scaler's part of the row at `place`, which it `opens` or goes on with. Those that `emit`
    in a step hold the parts of a complete row.
    """

    pe: int
    simd: int
    columns: int
    places: int
    longest: int  # additions of a run
    non_zeros: int
    slots: IntArray
    first: Array
    adder: IntArray
    code: IntArray
    place: IntArray
    opens: Array
    emits: Array

    @property
    def groups(self) -> int:
        """Matrices that follow each other."""
        return len(self.slots)

    @property
    def steps(self) -> int:
        """Steps for each vector."""
        return int(self.slots.shape[1])

    @property
    def adders(self) -> int:
        """How many additions a step makes."""
        return self.pe * self.simd

    @property
    def scalers(self) -> int:
        """How many sums a step multiplies."""
        return int(self.adder.shape[2])

    @property
    def balance(self) -> float:
        """The part of the additions that are not idle."""
        return self.non_zeros / self.slots.size

    @property
    def beats(self) -> Array:
        """Whether a row goes out, [groups, steps]."""
        return np.asarray(np.any(self.emits, axis=2))

    @property
    def slot_bits(self) -> int:
        """Bits of a place in a bank."""
        return index_bits(self.columns // self.simd)

    @property
    def entry_bits(self) -> int:
        """Bits of what a step says of an adder."""
        return 1 + self.slot_bits

    def pick_bits(self, value_bits: int) -> int:
        """Bits of what a step says of a scaler."""
        return 2 + index_bits(self.places) + index_bits(self.adders // self.scalers) + value_bits


def schedule(codes: IntArray, pe: int, simd: int, scalers: int = 1) -> Lists:
    """Return lists for `codes[groups, rows, columns]` (see `Codebook`) in as few steps as found.

    Deterministic. Runs are cut where that fills the steps at the end.
    """
    unit = _Unit(pe, simd, scalers)
    groups, _, columns = codes.shape
    assert columns % simd == 0, f"{columns} columns do not fill {simd} banks"
    plans = [_plan(matrix, unit) for matrix in codes]
    steps = max(plan.steps for plan in plans)
    by_adder = (groups, steps, unit.adders)
    by_scaler = (groups, steps, scalers)
    lists = Lists(
        pe=pe,
        simd=simd,
        columns=columns,
        places=max(max(plan.places) + 1 for plan in plans),
        longest=max((len(run.slots) for plan in plans for _, _, run in plan.placed), default=1),
        non_zeros=int(np.count_nonzero(codes != ZERO)),
        slots=np.zeros(by_adder, np.int64),
        first=np.zeros(by_adder, bool),
        adder=np.zeros(by_scaler, np.int64),
        code=np.full(by_scaler, ZERO, np.int64),
        place=np.zeros(by_scaler, np.int64),
        opens=np.zeros(by_scaler, bool),
        emits=np.zeros(by_scaler, bool),
    )
    for group, plan in enumerate(plans):
        _write(lists, group, plan)
    return lists


def least_steps(codes: IntArray, pe: int, simd: int, scalers: int = 1) -> int:
    """Return a number of steps that `schedule` comes near to, at a fraction of its effort."""
    unit = _Unit(pe, simd, scalers)
    work, runs = _loads(codes, simd)
    picks = np.maximum(runs, codes.shape[1] * scalers)
    steps = (_fewest_steps(*each, unit) for each in zip(work, picks.tolist(), strict=True))
    return max(steps)


def longest_run(codes: IntArray, simd: int) -> int:
    """Return the most additions of a run that is not cut."""
    return max((int(count.max()) for count in _counts(codes, simd)), default=0) or 1


def count_runs(codes: IntArray, simd: int) -> int:
    """Return the runs of all groups, where none is cut."""
    return int(_loads(codes, simd)[1].sum())


def _counts(codes: IntArray, simd: int) -> Iterator[IntArray]:
    """Yield for each class the weights of each row and bank, [groups, rows, banks]."""
    groups, rows, columns = codes.shape
    banked = codes.reshape(groups, rows, columns // simd, simd)
    for code in range(int(codes.max(initial=ZERO)) + 1):
        yield np.count_nonzero(banked == code, axis=2)


def _loads(codes: IntArray, simd: int) -> tuple[list[list[int]], IntArray]:
    """Return the additions of each group and bank, and the runs of each group."""
    counts = list(_counts(codes, simd))
    work = np.zeros((len(codes), simd), np.int64) + sum(count.sum(axis=1) for count in counts)
    runs = np.zeros(len(codes), np.int64) + sum((count > 0).sum(axis=(1, 2)) for count in counts)
    return work.tolist(), runs


def encode_lists(lists: Lists) -> IntArray:
    """Return codes[words, adders] of `entry_bits` bits: {first, slot}."""
    codes = (lists.first.astype(np.int64) << lists.slot_bits) | lists.slots
    return codes.reshape(-1, lists.adders)


def encode_picks(lists: Lists, values: Sequence[int], value_bits: int) -> IntArray:
    """Return codes[words, scalers] of `pick_bits`: {emits, opens, place, adder, value}."""
    chosen = np.array([*values, 0], dtype=np.int64)[lists.code]
    code = chosen & ((1 << value_bits) - 1)
    at = value_bits
    fields = (
        (lists.adder, index_bits(lists.adders // lists.scalers)),
        (lists.place, index_bits(lists.places)),
        (lists.opens.astype(np.int64), 1),
        (lists.emits.astype(np.int64), 1),
    )
    for numbers, bits in fields:
        code = code | (numbers << at)
        at += bits
    return code.reshape(-1, lists.scalers)


def class_bits(longest: int, x: IntType) -> int:
    """Return the bits of a sum of at most `longest` inputs, in two's complement if they are."""
    most = max(longest * x.hi, -longest * x.lo - 1 if x.signed else 0)
    return max(x.bits, most.bit_length() + x.signed)


def signed_bits(values: Sequence[int]) -> int:
    """Return the bits of the values in two's complement."""
    return 1 + max(max(value, -value - 1).bit_length() for value in (0, *values))


def index_bits(count: int) -> int:
    """Return the bits of an index into `count` things, at least one."""
    return max(1, (count - 1).bit_length())


@dataclass(frozen=True)
class _Unit:
    """Adders by what they have in common: a bank of columns, and a scaler."""

    pe: int
    simd: int
    scalers: int

    def __post_init__(self) -> None:
        least, most = sorted((self.simd, self.scalers))
        assert most % least == 0 and self.adders % self.scalers == 0, self

    @property
    def adders(self) -> int:
        """Of all banks."""
        return self.pe * self.simd

    @property
    def kinds(self) -> int:
        """How many kinds there are: adder % kinds says both bank and scaler."""
        return max(self.simd, self.scalers)

    def tail(self, steps: int) -> list[deque[int]]:
        """Return for each kind the last steps that are its own, one an adder, in ascending order.

        The kinds of a scaler take turns with them.
        """
        start = steps - self.adders // self.scalers
        turns = self.kinds // self.scalers
        kinds = range(self.kinds)
        return [deque(range(start + kind // self.scalers, steps, turns)) for kind in kinds]


@dataclass
class _Plan:
    """Runs at their places: (step of the last addition, adder, run); and the steps rows go out in.

    `picks[scaler][step]` is not 0 where something is picked.
    """

    unit: _Unit
    steps: int
    picks: list[bytearray]
    placed: list[tuple[int, int, Run]] = field(default_factory=list)
    emissions: list[int] = field(default_factory=list)

    @cached_property
    def opened(self) -> list[dict[int, int]]:
        """For each row the step in which each scaler picks it first."""
        found: list[dict[int, int]] = [{} for _ in self.emissions]
        for end, adder, run in self.placed:
            scaler = adder % self.unit.scalers
            found[run.row][scaler] = min(end, found[run.row].get(scaler, end))
        for steps, emission in zip(found, self.emissions, strict=True):
            steps.update({} if steps else {0: emission})
        return found

    @cached_property
    def places(self) -> list[int]:
        """Where each row is kept while it is open; as few places as there are rows at once."""
        starts = [min(steps.values()) for steps in self.opened]
        free: list[int] = []
        busy: list[tuple[int, int]] = []
        found = [0] * len(starts)
        for row in sorted(range(len(starts)), key=starts.__getitem__):
            while busy and busy[0][0] < starts[row]:
                heapq.heappush(free, heapq.heappop(busy)[1])
            found[row] = heapq.heappop(free) if free else len(busy)
            heapq.heappush(busy, (self.emissions[row], found[row]))
        return found


def _plan(codes: IntArray, unit: _Unit) -> _Plan:
    """Return the plan of one matrix with the fewest steps that were found."""
    banks = [_runs(codes[:, bank :: unit.simd], bank) for bank in range(unit.simd)]
    work = [sum(len(run.slots) for run in runs) for runs in banks]
    picks = max(sum(map(len, banks)), len(codes) * unit.scalers)
    steps = _fewest_steps(work, picks, unit)
    too_few, found = steps - 1, None
    while found is None or found.steps - too_few > 1:
        plan = _Plan(unit, steps, [bytearray(steps) for _ in range(unit.scalers)])
        missing = _place(plan, banks) or _emit(plan, len(codes))
        if missing:
            too_few = steps
        else:
            found = plan
        steps = (too_few + found.steps) // 2 if found else steps + missing
    return found


def _runs(codes: IntArray, bank: int) -> list[Run]:
    """Return the runs of a bank, row by row; banks begin with different classes."""
    found = []
    for row, line in enumerate(codes):
        classes = np.unique(line[line != ZERO]).tolist()
        turn = (row + bank) % max(1, len(classes))
        for code in classes[turn:] + classes[:turn]:
            found.append(Run(row, code, np.flatnonzero(line == code)))
    return found


def _fewest_steps(work: list[int], picks: int, unit: _Unit) -> int:
    """Return a number of steps to begin with: fewer cannot hold all picks, and hardly all runs."""
    steps = -(-picks // unit.scalers)
    while True:
        room = [0] * unit.simd
        for kind, ends in enumerate(unit.tail(steps)):
            room[kind % unit.simd] += sum(max(0, end + 1) for end in ends)
        lacking = max(asked - there for asked, there in zip(work, room, strict=True))
        if lacking <= 0:
            return steps
        steps += -(-lacking // unit.pe)


def _place(plan: _Plan, banks: list[list[Run]]) -> int:
    """Place all runs, each with the adder that is free first; return about how many steps lack.

    The last steps belong to the last runs of adders, in ascending order like their rows.
    """
    unit = plan.unit
    waiting = [deque(runs) for runs in banks]
    last = unit.tail(plan.steps)
    tail = plan.steps - unit.adders // unit.scalers
    free = [(0, adder) for adder in range(unit.adders)]
    while free:
        start, adder = heapq.heappop(free)
        runs = waiting[adder % unit.simd]
        if not runs:
            continue
        run = runs.popleft()
        picks = plan.picks[adder % unit.scalers]
        end = picks.find(0, start + len(run.slots) - 1)
        if end < 0 or end >= tail:
            ends = last[adder % unit.kinds]
            while ends and ends[0] < start:
                ends.popleft()
            if not ends:
                runs.appendleft(run)
                continue
            end = ends.popleft()
            if end - start + 1 < len(run.slots):
                run, rest = run.split(end - start + 1)
                runs.appendleft(rest)
        picks[end] = 1
        plan.placed.append((end, adder, run))
        heapq.heappush(free, (end + 1, adder))
    lacking = max(sum(len(run.slots) for run in runs) for runs in waiting)
    return -(-lacking // unit.pe)


def _emit(plan: _Plan, rows: int) -> int:
    """Let the rows go out in order, each when it is complete; return about how many steps lack."""
    complete: list[dict[int, int]] = [{} for _ in range(rows)]
    for end, adder, run in plan.placed:
        scaler = adder % plan.unit.scalers
        complete[run.row][scaler] = max(end, complete[run.row].get(scaler, 0))
    step = 0
    for row, ends in enumerate(complete):
        ends.update({} if ends else {0: -1})
        step = max(step, *ends.values())
        while step < plan.steps and any(
            plan.picks[scaler][step] and end != step for scaler, end in ends.items()
        ):
            step += 1
        if step == plan.steps:
            return max(1, (rows - row) // 4)
        for scaler in ends:
            plan.picks[scaler][step] = 1
        plan.emissions.append(step)
        step += 1
    return 0


def _write(lists: Lists, group: int, plan: _Plan) -> None:
    for end, adder, run in plan.placed:
        start = end + 1 - len(run.slots)
        lists.slots[group, start : end + 1, adder] = run.slots
        lists.first[group, start, adder] = True
        pick = (group, end, adder % lists.scalers)
        lists.adder[pick] = adder // lists.scalers
        lists.code[pick] = run.code
        lists.place[pick] = plan.places[run.row]
    for row, step in enumerate(plan.emissions):
        for scaler, opened in plan.opened[row].items():
            lists.opens[group, opened, scaler] = True
            lists.emits[group, step, scaler] = True
            lists.place[group, step, scaler] = plan.places[row]
