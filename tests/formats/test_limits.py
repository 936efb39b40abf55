"""The search chooses only what `bitmason compile` takes."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bitmason.diagnostics import CompileError
from bitmason.formats import Data, FloatNetwork, search
from bitmason.formats.cache import Results
from bitmason.formats.evaluation import Assignment, Score
from bitmason.formats.histogram import exponents_of
from bitmason.formats.limits import is_built
from bitmason.formats.repair import Wanted, repair, shares_of, wider
from bitmason.formats.workers import Workers
from bitmason.formats.writing import with_formats
from bitmason.frontend import import_model
from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from tests.formats.networks import FRAMES, labelled, network, plan_of
from tests.formats.test_search import WISHES
from tests.frontend.onnx_models import Net, f32

ACTIVATIONS, WEIGHTS = 0, 1  # the sites of the only layer


def one_layer(*exponents: int, digit: float = 1) -> Net:
    """Return a product with weights of these exponents."""
    net = Net(1, 4)
    column = np.ldexp(float(digit), np.resize(exponents, 4))
    net.node("MatMul", "x", net.const(f32(np.stack([column, -column], axis=1))))
    return net


@pytest.mark.parametrize(
    ("e_bits", "m_bits", "built"),
    [(5, 5, True), (5, 6, False), (4, 7, True), (4, 8, False), (2, 9, True), (2, 10, False)],
)
def test_codes_and_fixed_point_of_activations(e_bits: int, m_bits: int, built: bool) -> None:
    net = network(one_layer(0).model())
    form = CustomFloat(e_bits, m_bits, 3)
    assert is_built(net, ACTIVATIONS, form, TRUNCATE) == built


@pytest.mark.parametrize(
    ("exponents", "digit", "m_bits", "rounding", "built"),
    [
        ((-25, -1), 1, 10, TRUNCATE, True),  # 24 + 10 + 2
        ((-26, -1), 1, 10, TRUNCATE, False),
        ((-26, -1), 1, 9, TRUNCATE, True),
        ((-26, -1), 1.9999, 9, NEAREST, True),  # all are rounded up alike
        ((-31, -7), 1, 10, TRUNCATE, True),  # -31 becomes -30
        ((-34, -7), 1, 10, TRUNCATE, True),  # all others become zero
    ],
)
def test_numbers_of_weights_count_not_their_format(
    exponents: tuple[int, ...], digit: float, m_bits: int, rounding: str, built: bool
) -> None:
    net = network(one_layer(*exponents, digit=digit).model())
    form = CustomFloat(5, m_bits, 31)
    assert exponents_of(form)[0] == -30
    assert is_built(net, WEIGHTS, form, rounding) == built
    assert imports(net, (CustomFloat(2, 1, 2), form), rounding) == built


def imports(net: FloatNetwork, formats: Assignment, rounding: str = TRUNCATE) -> bool:
    """Return whether the importer takes all formats of a network."""
    try:
        import_model(with_formats(net, formats, rounding), "net.onnx")
    except CompileError as error:  # the sum of a product may be too long all the same
        return all(found.code != "F021" for found in error.diagnostics)
    return True


@pytest.mark.parametrize("form", [CustomFloat(5, 6, 9), CustomFloat(4, 8, 9)])
def test_the_importer_refuses_what_is_not_built(form: CustomFloat) -> None:
    net = network(one_layer(0).model())
    weights = CustomFloat(2, 1, 2)
    assert not imports(net, (form, weights))
    assert imports(net, (CustomFloat(form.e_bits, form.m_bits - 1, form.bias), weights))


def test_repairs_end_where_nothing_wider_is_built(tmp_path: Path) -> None:
    plan = plan_of(labelled())
    sites = range(len(plan.network.sites))
    with Workers(plan, Results(None, ""), tmp_path, 1) as workers:
        histograms = workers.histograms()
        narrow = tuple(histogram.window(4) for histogram in histograms)
        out_of_reach = Wanted(Fraction(1), Score(FRAMES + 1, 0.0))
        shares = shares_of(plan.network.sites)
        formats, _ = repair(workers, narrow, histograms, shares, out_of_reach)
    for site, form in zip(sites, formats, strict=True):
        assert form is not None
        assert is_built(plan.network, site, form, TRUNCATE)
        more = wider(form, histograms[site])
        assert not any(is_built(plan.network, site, one, TRUNCATE) for one in more)
    assert imports(plan.network, formats)


def test_sweeps_begin_with_what_is_built() -> None:
    """Of exponents that take 5 bits a mantissa of 6 is too long: it is not tried."""
    rng = np.random.default_rng(1)
    x = f32(np.ldexp(rng.uniform(1, 2, (60, 4)), rng.integers(-24, 1, (60, 4))))
    net = network(one_layer(0, -2).model())
    labels = (x @ f32([1, 0.25, 1, 0.25]) < 0).astype(int)
    found = search(net, Data(x, labels), WISHES, jobs=1)
    wide = [one.form for one in found.explored[ACTIVATIONS] if one.form.e_bits == 5]
    assert wide[0].m_bits == 5
