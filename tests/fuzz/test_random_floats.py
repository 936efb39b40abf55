"""Networks of random floating-point formats, from the file to the lowered integers and words."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.config import Config
from bitmason.diagnostics import CompileError
from bitmason.frontend.agreement import compare
from bitmason.frontend.samples import sample_inputs
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.interp import run
from bitmason.pipeline import compile_model
from bitmason.verification import verify_project
from hw_tests.models.floats import NETWORKS, Floats
from tests.fuzz.test_random_networks import at_length, quick

_SAMPLES = 32


@st.composite
def custom(draw: st.DrawFn) -> Floats:
    """Draw the format of a CustomFloat."""
    return Floats(
        draw(st.integers(2, 4)),
        draw(st.integers(0, 4)),
        draw(st.integers(0, 9)),
        rounding=draw(st.sampled_from(("DOWN", "ROUND"))),
        full=draw(st.integers(0, 1)),
        positive=draw(st.booleans()),
    )


@st.composite
def float_quants(draw: st.DrawFn) -> Floats:
    """Draw the format of a FloatQuant: where numbers end is any number of it."""
    e_bits, m_bits = draw(st.integers(1, 4)), draw(st.integers(0, 3))
    bias = draw(st.integers(0, 9))
    whole = CustomFloat(e_bits, m_bits, bias, full=True, subnormals=True)
    top = whole.top - draw(st.integers(0, 2**m_bits))
    return Floats(
        e_bits,
        m_bits,
        bias,
        largest=float(whole.decode(np.array([max(top, 1)]))[0]),
        # Powers of two make exact ties, others odd ratios.
        scale=draw(st.sampled_from((1.0, 0.25, 2.0, 0.3))),
        per_channel=draw(st.booleans()),
        positive=draw(st.booleans()),
    )


FORMATS = st.one_of(custom(), float_quants())
KINDS = st.sampled_from([*NETWORKS])
WORDS = st.sampled_from((None, 8, 24, 64))


def executor_equals_golden(floats: Floats, kind: str, bus_bits: int | None, seed: int) -> None:
    """Claim: executor == imported == lowered, with dense words or without."""
    model = NETWORKS[kind](floats, seed)
    compiled = compile_model(model, Config(bus_bits=bus_bits), name="fuzz.onnx", check=True)
    imported = compiled.imported
    x = sample_inputs(imported, _SAMPLES, seed)
    found = compare(imported, x)
    assert found.agrees, found.mismatches
    before = run(imported.graph, {imported.graph.inputs[0].name: x})
    for ours, theirs in zip(compiled.simulate(x).outputs, before, strict=True):
        np.testing.assert_array_equal(ours, theirs.astype(ours.dtype))


@quick(8)
@given(FORMATS, KINDS, WORDS, st.integers(0, 999))
def test_executor_equals_golden_on_floats(
    floats: Floats, kind: str, bus_bits: int | None, seed: int
) -> None:
    executor_equals_golden(floats, kind, bus_bits, seed)


@pytest.mark.slow
@at_length(300)
@given(FORMATS, KINDS, WORDS, st.integers(0, 999))
def test_executor_equals_golden_on_floats_at_length(
    floats: Floats, kind: str, bus_bits: int | None, seed: int
) -> None:
    executor_equals_golden(floats, kind, bus_bits, seed)


@pytest.mark.slow
@at_length(60)
@given(FORMATS, KINDS, WORDS, st.sampled_from((20, 60, 200, 1000)), st.integers(0, 999))
def test_hardware_equals_golden_on_floats_at_length(
    floats: Floats, kind: str, bus_bits: int | None, cycles: int, seed: int
) -> None:
    model = NETWORKS[kind](floats, seed)
    try:
        compiled = compile_model(model, Config(max_cycles=cycles, bus_bits=bus_bits), name="f.onnx")
    except CompileError as error:
        if error.diagnostics[0].code != "B002":  # too fast for words that are so narrow
            raise
        return
    with TemporaryDirectory() as folder:
        for claim in verify_project(compiled.write(Path(folder) / "p", "all"), samples=4):
            assert claim.holds, f"{claim.name}: {claim.detail} {claim.notes}"
