"""The forms of Reduce-and-Scale that a layer may have.

Invariant: what a user may ask for is what is offered: a form is told by its folding and memory.
"""

from __future__ import annotations

from collections.abc import Iterator

from bitmason.backends.design import Layer
from bitmason.backends.layers.memory import STYLES
from bitmason.backends.layers.ras.coded import CODED, coded_foldings, plan_coded
from bitmason.backends.layers.ras.folded import folded_foldings, plan_folded, sketch_folded
from bitmason.backends.layers.ras.loaded import LOADED, plan_loaded, sketch_loaded
from bitmason.backends.layers.ras.unrolled import (
    is_unrolled,
    plan_unrolled,
    sketch_unrolled,
    unrolled_foldings,
)
from bitmason.backends.layers.registry import Site, check_name
from bitmason.ir.graph import Folding

OWN_MEMORIES = (CODED, LOADED)  # which no other engine has
_MEMORIES = (*STYLES, *OWN_MEMORIES)


def ras_foldings(site: Site, takes: list[int], mmv: int) -> Iterator[Folding]:
    """Yield the foldings of each form; `takes` are the inputs that a beat may bring."""
    folded = folded_foldings(site, takes, mmv)
    yield from (folding for folding in folded if not is_unrolled(site, folding))
    yield from unrolled_foldings(site, mmv)
    yield from coded_foldings(site, mmv)


def plan_ras(site: Site, folding: Folding, takes: list[int]) -> Layer:
    """Return the layer of a unit, in the form that `folding` tells.

    Raises:
        CompileError: B001 for a SIMD, PE, mmv or memory that it cannot have.
    """
    check_name("memory", folding.memory, _MEMORIES, site.node)
    if is_unrolled(site, folding):
        return plan_unrolled(site, folding)
    if folding.memory == CODED:
        return plan_coded(site, folding)
    if folding.memory == LOADED:
        return plan_loaded(site, folding, takes)
    return plan_folded(site, folding, takes)


def sketch_ras(site: Site, folding: Folding, takes: list[int]) -> Layer | None:
    """Return about what `plan_ras` does where that takes long, or None where it does not.

    Raises:
        CompileError: as `plan_ras` does.
    """
    check_name("memory", folding.memory, _MEMORIES, site.node)
    if is_unrolled(site, folding):
        return sketch_unrolled(site, folding)
    if folding.memory == CODED:
        return None
    if folding.memory == LOADED:
        return sketch_loaded(site, folding, takes)
    return sketch_folded(site, folding, takes)
