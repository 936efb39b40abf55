"""Reduce-and-Scale: products with weights of few values, most of them zero, from lists of indices.

Invariant: zeros cost nothing. A step adds one input in each of `PE` x `SIMD` adders; inputs that
meet equal weights are summed first, and a sum is multiplied once (Schindler, equation 5.9).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from math import ceil

import numpy as np

from bitmason.backends.design import Layer, Port, Resources
from bitmason.backends.layers.engines import RAS
from bitmason.backends.layers.memory import STYLES, lut_ram, ram, rom
from bitmason.backends.layers.multiplier import MULTIPLIERS, multiplier_luts, takes_dsp
from bitmason.backends.layers.ras.lists import (
    Lists,
    class_bits,
    count_runs,
    index_bits,
    least_steps,
    longest_run,
    schedule,
    signed_bits,
)
from bitmason.backends.layers.registry import Site, check_among, check_name, divisors
from bitmason.ir.codebook import ZERO, codebook_of
from bitmason.ir.constant import Const
from bitmason.ir.graph import Folding
from bitmason.ir.ops.dense import Dense
from bitmason.ir.types import Int, IntArray, IntType

MOST_ADDERS = 256
_CONTROL = Resources(lut=60, ff=50)
_REGISTERS = 5  # from a step to the output, one more where several scalers have parts of a row


@dataclass(frozen=True)
class ListCode:
    """The stream from which the lists of a unit are loaded: what its reader is built for.

    It has `words` words for a matrix of `runs` rows, in symbols of these `lengths`; its checksum
    begins at `seed`. From the first cycle behind reset on, the first step is made in cycle `start`.
    The lists are kept in memory of the style `memory`.
    """

    runs: int
    lengths: tuple[int, ...]
    seed: int
    words: int
    start: int
    memory: str = ""


@dataclass(frozen=True)
class RasView:
    """The numbers of one Reduce-and-Scale unit.

    A vector of each of `groups` matrices takes `steps` steps; `emits` tells of every step, one
    matrix after the other, whether a row of the product leaves. `lanes` vectors share the lists.
    A run sums inputs that meet equal weights, in `sum_bits`; `scalers` of them are multiplied at
    once by weights of `value_bits`, and `places` rows wait for more. Lists that are loaded have a
    `code`.
    """

    rows: int
    columns: int
    groups: int
    vectors: int
    lanes: int
    pe: int
    simd: int
    x: IntType
    acc_bits: int
    value_bits: int
    sum_bits: int
    scalers: int
    places: int
    steps: int
    emits: bytes
    entry_bits: int
    pick_bits: int
    balance: float
    memory: str
    vectors_memory: str
    dsp: bool
    code: ListCode | None = None

    @property
    def adders(self) -> int:
        """Inputs that a step adds."""
        return self.pe * self.simd

    @property
    def word_bits(self) -> int:
        """Bits of what a step says, for adders and scalers."""
        return self.adders * self.entry_bits + self.scalers * self.pick_bits

    @property
    def words(self) -> int:
        """Words of the lists."""
        return self.groups * self.steps

    @property
    def beats(self) -> int:
        """Beats of a vector coming in."""
        return self.columns // self.simd

    @property
    def depth(self) -> int:
        """Registers from a step to the output."""
        return _REGISTERS + (self.scalers > 1)

    @property
    def cycles(self) -> int:
        """Cycles between frames."""
        return self.vectors * max(self.steps, self.beats)


def ras_simds(site: Site, takes: list[int]) -> list[int]:
    """Return the legal SIMD: banks of columns, of which a beat brings one element each."""
    op = site.node.op
    assert isinstance(op, Dense)
    if site.window is None:
        return takes
    channels = op.weights.shape[1] // site.window.taps
    return [simd for simd in takes if channels % simd == 0]


def folded_foldings(site: Site, takes: list[int], mmv: int) -> Iterator[Folding]:
    """Yield foldings of 1, 2, 3, 4, 6, 8, 12 ... adders for each bank."""
    op = site.node.op
    assert isinstance(op, Dense)
    if mmv > 1 and site.window is not None:
        return
    for simd in ras_simds(site, takes):
        for pe in _sizes(min(op.weights.shape[0] // op.groups, MOST_ADDERS // simd)):
            yield Folding(pe, simd, RAS, mmv=mmv)


def _sizes(most: int) -> Iterator[int]:
    power = 1
    while power <= most:
        yield power
        if power > 1 and power * 3 // 2 <= most:
            yield power * 3 // 2
        power *= 2


@lru_cache(maxsize=64)
def lists_of(weights: Const, groups: int, pe: int, simd: int, scalers: int) -> Lists:
    """Return the lists of a matrix, made once for all who ask."""
    return schedule(_codes(weights, groups), pe, simd, scalers)


@lru_cache(maxsize=64)
def _codes(weights: Const, groups: int) -> IntArray:
    book = codebook_of(weights.int64())
    assert book is not None, "the engine was checked"
    return book.codes.reshape(groups, -1, weights.shape[1])


@dataclass(frozen=True)
class _Extent:
    """What of lists the size of a unit depends on; see `RasView` and `Lists`."""

    steps: int
    longest: int
    places: int
    emits: bytes
    balance: float


def plan_folded(site: Site, folding: Folding, takes: list[int]) -> Layer:
    """Return the layer of a unit.

    Raises:
        CompileError: B001 for a SIMD, mmv or memory that it cannot have.
    """
    op, scalers = _checked(site, folding, takes)
    lists = lists_of(op.weights, op.groups, folding.pe, folding.simd, scalers)
    emits = lists.beats.astype(np.uint8).tobytes()
    extent = _Extent(lists.steps, lists.longest, lists.places, emits, lists.balance)
    return _layer(site, folding, scalers, extent)


def sketch_folded(site: Site, folding: Folding, takes: list[int]) -> Layer:
    """Return about what `plan_folded` does, a little too good, and quickly.

    Raises:
        CompileError: as `plan_folded` does.
    """
    op, scalers = _checked(site, folding, takes)
    pe, simd = folding.pe, folding.simd
    steps, longest = _bounds(op.weights, op.groups, pe, simd, scalers)
    balance = op.codebook.non_zeros / (steps * op.groups * pe * simd) if op.codebook else 0.0
    return _layer(site, folding, scalers, _Extent(steps, longest, 1, b"", balance))


@lru_cache(maxsize=1024)
def _bounds(weights: Const, groups: int, pe: int, simd: int, scalers: int) -> tuple[int, int]:
    codes = _codes(weights, groups)
    return least_steps(codes, pe, simd, scalers), longest_run(codes, simd)


def _checked(site: Site, folding: Folding, takes: list[int]) -> tuple[Dense, int]:
    """Return the product, and how many of its sums are multiplied at once."""
    node, op = site.node, site.node.op
    assert isinstance(op, Dense) and op.codebook is not None
    check_name("memory", folding.memory, STYLES, node)
    check_name("multipliers", folding.multipliers, MULTIPLIERS, node)
    why = "does not divide the channels" if site.window else "does not divide the inputs"
    check_among("simd", folding.simd, ras_simds(site, takes), why, node)
    most = max(1, MOST_ADDERS // folding.simd)
    check_among(
        "pe", folding.pe, [*range(1, most + 1)], f"with SIMD {folding.simd} is too much", node
    )
    return op, _scalers(op.weights, op.groups, folding.pe, folding.simd)


def _layer(site: Site, folding: Folding, scalers: int, extent: _Extent) -> Layer:
    node, op, lanes = site.node, site.node.op, folding.mmv
    assert isinstance(op, Dense) and op.codebook is not None
    rows, columns = op.weights.shape[0] // op.groups, op.weights.shape[1]
    adders = folding.pe * folding.simd
    value_bits = signed_bits(op.codebook.values)
    entry_bits = 1 + index_bits(columns // folding.simd)
    pick_bits = 2 + index_bits(extent.places) + index_bits(adders // scalers) + value_bits
    word_bits = adders * entry_bits + scalers * pick_bits
    memory, stored = rom(op.groups * extent.steps, word_bits, folding.memory, site.prices)
    # Each adder reads a copy of its bank, two vectors of each lane.
    slots = 2 << index_bits(columns // folding.simd)
    vectors_memory, copy = ram(slots, lanes * site.elem.bits, "", site.prices)
    view = RasView(
        rows=rows,
        columns=columns,
        groups=op.groups,
        vectors=site.source.size // columns // lanes,
        lanes=lanes,
        pe=folding.pe,
        simd=folding.simd,
        x=site.elem,
        acc_bits=node.type.int_elem.bits,
        value_bits=value_bits,
        sum_bits=class_bits(extent.longest, site.elem),
        scalers=scalers,
        places=extent.places,
        steps=extent.steps,
        emits=extent.emits,
        entry_bits=entry_bits,
        pick_bits=pick_bits,
        balance=extent.balance,
        memory=memory,
        vectors_memory=vectors_memory,
        dsp=False,
    )
    in_blocks = replace(view, dsp=True)
    costs = _lane(view), _lane(in_blocks)
    factors = Int(value_bits), Int(view.sum_bits)
    dsp = takes_dsp(folding.multipliers, factors, *costs, site.prices)
    view, lane = (in_blocks, costs[1]) if dsp else (view, costs[0])
    return Layer(
        name=node.name,
        op=op.name,
        engine=RAS,
        loc=node.loc,
        folding=Folding(folding.pe, folding.simd, RAS, memory, MULTIPLIERS[view.dsp], mmv=lanes),
        sources=(Port(site.elem, site.source.size, folding.simd * lanes, lanes),),
        sinks=(Port(node.type.int_elem, node.type.size, lanes, lanes),),
        cycles=view.cycles,
        resources=sum([*[lane] * lanes, *[copy] * adders, stored], _CONTROL),
        view=view,
        acc_bits=view.acc_bits,
        weight_bits=view.words * view.word_bits,
    )


@lru_cache(maxsize=1024)
def _scalers(weights: Const, groups: int, pe: int, simd: int) -> int:
    """Return how many sums are multiplied at once: enough for as many steps as additions take."""
    codes = _codes(weights, groups)
    adders = pe * simd
    legal = [s for s in divisors(adders) if max(s, simd) % min(s, simd) == 0]
    runs = count_runs(codes, simd)
    steps = max(1, int(np.count_nonzero(codes != ZERO)) // adders)
    return next((s for s in legal if s * steps >= runs), legal[-1])


def _lane(view: RasView) -> Resources:
    """Return the cost of one vector's adders and scalers."""
    sources = view.adders // view.scalers
    chosen = ceil(sources / 3) * view.sum_bits if sources > 1 else 0
    product = multiplier_luts(view.value_bits, view.sum_bits)
    multiplied = Resources(dsp=1) if view.dsp else Resources(lut=product)
    open_rows = lut_ram(view.places, view.acc_bits) if view.places > 1 else 0
    scaled = chosen + open_rows + view.acc_bits + index_bits(view.places)
    joined = (view.scalers - 1) * view.acc_bits
    rest = Resources(
        lut=view.adders * view.sum_bits + view.scalers * scaled + joined,
        ff=view.adders * (view.x.bits + view.sum_bits)
        + view.scalers * (2 * view.sum_bits + view.value_bits + 3 * view.acc_bits),
    )
    return sum([multiplied] * view.scalers, rest)
