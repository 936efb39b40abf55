"""Prove a project: the QONNX executor, the golden model, RTL and HLS C++ give the same bits.

Invariant: a claim holds only if every element is equal; where the executor's float32 noise decides
a rounding, the element is counted and proven to be a tie, never tolerated.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bitmason.backends.design import Design
from bitmason.backends.schedule import Model
from bitmason.config import InputConfig
from bitmason.frontend.agreement import Comparison, compare
from bitmason.frontend.samples import sample_inputs
from bitmason.ir.interp import run
from bitmason.ir.types import Array, Real
from bitmason.pipeline import Compiled
from bitmason.simulation import Simulated

_SETTINGS = 8


@dataclass(frozen=True)
class Claim:
    """One comparison and its outcome."""

    name: str
    holds: bool
    detail: str
    notes: tuple[str, ...] = ()


def verify_project(
    compiled: Compiled,
    *,
    samples: int = 100,
    given: Array | None = None,
    stall: float = 0.3,
    seed: int = 0,
    progress: Callable[[str], None] = lambda _: None,
) -> list[Claim]:
    """Compare all engines on random inputs, and on `given` ones.

    Args:
        compiled: a written project.
        samples: number of random inputs.
        given: further inputs, floats of the model's input shape with a batch axis.
        stall: probability of stalls in a second run of the RTL; 0 leaves that run out.
        seed: of the random inputs and the stalls.
        progress: told each step as it begins.

    Raises:
        CompileError: when `given` does not fit the model or a tool fails.
    """
    x = sample_inputs(compiled.imported, samples, seed)
    if given is not None:
        x = np.concatenate([x, given.reshape(len(given), *x.shape[1:]).astype(np.float32)])
    if compiled.config.input is not None:
        x = _on_declared_grid(x, compiled.config.input)
    progress("QONNX executor against the golden model")
    claims = [_import_claim(compare(compiled.imported, x))]
    golden = compiled.simulate(x)
    claims.append(_lowering_claim(compiled, x, golden))
    settings = random_settings(compiled.design, len(x), seed)
    changing = compiled.simulate(x, settings=settings) if settings else golden
    for engine in compiled.engines:
        progress(f"{engine} against the golden model")
        found = compiled.simulate(x, engine, seed=seed)
        claims.append(_integers_claim(f"golden == {engine}", golden, found))
        if engine == "rtl":
            claims += _timing_claims(compiled, found)
            claims += _stalled_claims(compiled, x, golden, stall, seed)
        if settings:
            holds_back = stall if engine == "rtl" else 0.0
            found = compiled.simulate(x, engine, settings=settings, stall=holds_back, seed=seed)
            claims.append(_integers_claim(f"golden == {engine}, precisions", changing, found))
    return claims


def random_settings(design: Design, frames: int, seed: int) -> list[dict[str, int]]:
    """Return a setting for each of some frames, a few different ones; none without knobs."""
    if not design.knobs:
        return []
    random = np.random.default_rng(seed)
    few = [
        {f"{k.layer}.{k.name}": int(random.integers(1, k.maximum + 1)) for k in design.knobs}
        for _ in range(_SETTINGS)
    ]
    return [few[int(index)] for index in random.integers(0, _SETTINGS, frames)]


def _timing_claims(compiled: Compiled, rtl: Simulated) -> list[Claim]:
    claims = [_cycles_claim(compiled, rtl)]
    if compiled.design.fifos:
        claims.append(_fifos_claim(compiled, rtl))
    return claims


def _stalled_claims(
    compiled: Compiled, x: Array, golden: Simulated, stall: float, seed: int
) -> list[Claim]:
    if not stall:
        return []
    stalled = compiled.simulate(x, "rtl", stall=stall, seed=seed)
    return [_integers_claim(f"golden == rtl, stall {stall:g}", golden, stalled)]


def _on_declared_grid(x: Array, declared: InputConfig) -> Array:
    """Return `x` moved to the values that the declared integers stand for.

    The configuration promises that the network meets no others; the executor does not know of it.
    """
    step = float(declared.exact_scale)
    codes = np.clip(np.round(x / step), declared.elem.lo, declared.elem.hi)
    return np.asarray(codes * step, dtype=np.float32)


def _import_claim(found: Comparison) -> Claim:
    detail = f"{found.samples} samples, {found.quantised} quantised elements, "
    detail += f"{found.outputs} outputs ({found.identical_outputs} identical as float32), "
    detail += f"{found.mismatched} mismatches"
    notes = [str(difference) for difference in found.mismatches]
    if found.ambiguous_count:
        notes.append(f"{found.ambiguous_count} float32 ties of the executor, each proven:")
        notes += [str(difference) for difference in found.ambiguous]
    return Claim("executor == golden", found.agrees, detail, tuple(notes))


def _lowering_claim(compiled: Compiled, x: Array, golden: Simulated) -> Claim:
    imported = compiled.imported.graph
    graph = compiled.design.graph
    answers, answered = imported[imported.outputs[0]].type, graph[graph.outputs[0]].type
    if isinstance(answers.elem, Real) and not isinstance(answered.elem, Real):
        return Claim("imported == lowered", True, "the label was added by the configuration")
    before = run(imported, {imported.inputs[0].name: x})
    equal = all(
        np.array_equal(a.astype(b.dtype), b) for a, b in zip(before, golden.outputs, strict=True)
    )
    return Claim("imported == lowered", equal, f"{len(x)} samples, all bits of the outputs")


def _integers_claim(name: str, golden: Simulated, other: Simulated) -> Claim:
    pairs = list(zip(golden.integers, other.integers, strict=True))
    different = sum(int(np.sum(ours != theirs)) for ours, theirs in pairs)
    size = sum(ours.size for ours, _ in pairs)
    detail = f"{len(pairs[0][0])} samples, {size} integers, "
    return Claim(name, different == 0, f"{detail}{different} mismatches")


def _cycles_claim(compiled: Compiled, rtl: Simulated) -> Claim:
    report, measured = compiled.report(), rtl.measured
    found = [measured.ii_cycles, measured.latency_cycles]
    predicted = [report["ii_cycles"], report["latency_cycles"]]
    if measured.frames == 1:  # a single frame has no distance to the next
        found, predicted = found[1:], predicted[1:]
    detail = f"II {measured.ii_cycles}, latency {measured.latency_cycles} cycles measured"
    notes = () if found == predicted else (f"predicted: {', '.join(map(str, predicted))}",)
    return Claim("cycles == predicted", found == predicted, detail, notes)


def _fifos_claim(compiled: Compiled, rtl: Simulated) -> Claim:
    """Compare the most beats that each FIFO held with those of the timing model."""
    measured = rtl.measured.fifo_peaks
    predicted = Model(compiled.design).run(rtl.measured.frames).peaks
    wrong = [
        f"'{name}': {measured.get(name)} measured, {peak} predicted"
        for name, peak in predicted.items()
        if measured.get(name) != peak
    ]
    held, room = sum(predicted.values()), sum(f.view.depth for f in compiled.design.fifos)
    detail = f"{len(predicted)} FIFOs held at most {held} beats of the {room} they have room for"
    return Claim("FIFO peaks == predicted", not wrong, detail, tuple(wrong))
