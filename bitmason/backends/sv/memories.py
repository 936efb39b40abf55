"""The memory files of a layer, laid out as its library cell reads them.

Invariant: every table of an emission becomes a file, or a parameter where it is a single word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from bitmason.backends.emission import Emission, Parameter, Vector
from bitmason.backends.packing import mem_file, pack_words


@dataclass(frozen=True)
class Memories:
    """Memory files by name, and the parameters that name them."""

    parameters: Mapping[str, Parameter]
    files: Mapping[str, str] = field(default_factory=dict)


Layout = Callable[[Emission, str], Memories]


def memories_of(emission: Emission, module: str) -> Memories:
    """Return the memories of a layer whose module is called `module`."""
    if not emission.tables:
        return Memories({})
    return _LAYOUTS[emission.cell](emission, module)


def _whole(emission: Emission, module: str) -> Memories:
    """One file holds the table as it is."""
    ((role, table),) = emission.tables.items()
    name = f"{module}_{role}.mem"
    return Memories({"INIT_FILE": name}, {name: mem_file(table.codes, table.bits)})


def _by_role(emission: Emission, module: str) -> Memories:
    """A file for each table, named by a parameter of its own."""
    names = {role: f"{module}_{role}.mem" for role in emission.tables}
    files = {
        names[role]: mem_file(table.codes, table.bits) for role, table in emission.tables.items()
    }
    return Memories({f"{role.upper()}_FILE": name for role, name in names.items()}, files)


def _whole_or_constant(emission: Emission, module: str) -> Memories:
    """A single word is a parameter."""
    ((_, table),) = emission.tables.items()
    if len(table.codes) > 1:
        return _whole(emission, module)
    return Memories({"CONSTANTS": Vector(tuple(table.codes[0].tolist()), table.bits)})


def _by_lane(emission: Emission, module: str) -> Memories:
    """One file for each of the PE lanes, with the tables of its channels one after the other."""
    ((role, table),) = emission.tables.items()
    lanes = 1 if emission.parameters["SHARED"] else _number(emission, "PE")
    prefix = f"{module}_{role}"
    files = {
        f"{prefix}_{lane}.mem": mem_file(table.codes[lane::lanes].reshape(-1, 1), table.bits)
        for lane in range(lanes)
    }
    return Memories({"INIT_PREFIX": prefix}, files)


def _by_fold(emission: Emission, module: str) -> Memories:
    """One word per fold: the entries of PE channels."""
    ((role, table),) = emission.tables.items()
    words = table.codes.reshape(-1, _number(emission, "PE") * table.codes.shape[1])
    name = f"{module}_{role}.mem"
    return Memories({"INIT_FILE": name}, {name: mem_file(words, table.bits)})


def _comparators(emission: Emission, module: str) -> Memories:
    """One word per fold: the thresholds of PE channels, then PE direction bits."""
    steps, descending = emission.tables["steps"], emission.tables["descending"]
    pe = _number(emission, "PE")
    lows = pack_words(steps.codes.reshape(-1, pe * steps.codes.shape[1]), steps.bits)
    highs = pack_words(descending.codes.reshape(-1, pe), 1)
    shift = pe * steps.codes.shape[1] * steps.bits
    words = [low | high << shift for low, high in zip(lows, highs, strict=True)]
    name = f"{module}_steps.mem"
    return Memories({"INIT_FILE": name}, {name: _hex_lines(words, shift + pe)})


def _search(emission: Emission, module: str) -> Memories:
    """One table per lane and search depth; the layout is that of bm_thresholds_search."""
    steps, descending = emission.tables["steps"], emission.tables["descending"]
    count, pe = steps.codes.shape[1], _number(emission, "PE")
    depths = count.bit_length()
    prefix = f"{module}_steps"
    files: dict[str, str] = {}
    for depth in range(depths):
        stride = 2 ** (depths - 1 - depth)
        index = (2 * np.arange(2**depth) + 1) * stride - 1
        words = np.where(index < count, steps.codes[:, np.minimum(index, count - 1)], 0)
        if depth == 0:
            words = words | descending.codes << steps.bits
        bits = steps.bits + (depth == 0)
        for lane in range(pe):
            lines = words[lane::pe].reshape(-1).tolist()
            files[f"{prefix}_{lane}_{depth}.mem"] = _hex_lines(lines, bits)
    return Memories({"INIT_PREFIX": prefix}, files)


def _hex_lines(words: list[int], bits: int) -> str:
    digits = -(-bits // 4)
    return "".join(f"{word:0{digits}x}\n" for word in words)


def _number(emission: Emission, parameter: str) -> int:
    value = emission.parameters[parameter]
    assert isinstance(value, int)
    return value


_LAYOUTS: dict[str, Layout] = {
    "bm_mvu": _whole,
    "bm_mvu_bitserial": _whole,
    "bm_ras": _by_role,
    "bm_ras_booted": _by_role,
    "bm_ras_coded": _whole,
    "bm_vvu": _whole,
    "bm_reorder": _whole,
    "bm_join": _whole_or_constant,
    "bm_lookup": _by_lane,
    "bm_join_table": _by_lane,
    "bm_thresholds": _comparators,
    "bm_thresholds_search": _search,
    "bm_thresholds_float": _by_fold,
}
