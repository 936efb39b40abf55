"""Precision that changes at run time, in whole networks: bits and cycles at every setting.

Invariant: what a setting means comes from the golden model, and its cycles from the timing model.
"""

from itertools import product
from pathlib import Path

import numpy as np
import pytest

import bitmason
from bitmason.backends.schedule import Model
from bitmason.backends.settings import setting_of, with_setting
from bitmason.verification import verify_project
from hw_tests.bench.networks import Dense, Network, Quantiser, make_model
from hw_tests.models.checks import EXAMPLES, assert_same_integers, images_of
from hw_tests.models.test_width_grid import WIDTHS, network

SAMPLE = {(1, 3, False), (2, 1, True), (4, 4, False), (8, 8, True)}


@pytest.mark.parametrize(
    ("w", "a", "signed"),
    [
        pytest.param(w, a, s, marks=[] if (w, a, s) in SAMPLE else [pytest.mark.slow])
        for w, a, s in product(WIDTHS, WIDTHS, (True, False))
    ],
)
def test_engines_agree_when_precision_changes(w: int, a: int, signed: bool, tmp_path: Path) -> None:
    model = make_model(network(w, a, signed))
    compiled = bitmason.compile(model, run_time_precision=True, max_cycles=8000)
    claims = verify_project(compiled.write(tmp_path / "project", "all"), seed=w * a)
    assert "golden == rtl, precisions" in {claim.name for claim in claims}
    for claim in claims:
        assert claim.holds, f"{claim.name}: {claim.detail} {claim.notes}"


@pytest.mark.parametrize("signed", [True, False])
def test_cycles_are_the_product_of_the_planes(signed: bool, tmp_path: Path) -> None:
    """One layer of 8 x 8 planes, at all 64 settings."""
    layer = Dense(6, Quantiser(8, narrow=False))
    model = make_model(Network(24, Quantiser(8, signed=signed), (layer,)))
    compiled = bitmason.compile(model, run_time_precision=True, max_cycles=2304)
    written = compiled.write(tmp_path / "project")
    assert [knob.maximum for knob in compiled.design.knobs] == [8, 8]
    (name,) = {knob.layer for knob in compiled.design.knobs}
    x = np.random.default_rng(0).uniform(-2, 2, (8, 24)).astype(np.float32)
    base = compiled.design.ii_cycles // 64
    for weights, inputs in product(range(1, 9), range(1, 9)):
        settings = {f"{name}.wbits": weights, f"{name}.abits": inputs}
        golden = written.simulate(x, settings=settings)
        rtl = written.simulate(x, "rtl", settings=settings)
        assert_same_integers(rtl, golden)
        reduced = with_setting(compiled.design, setting_of(compiled.design, settings))
        assert rtl.measured.ii_cycles == weights * inputs * base == Model(reduced).run(6).ii_cycles


@pytest.mark.parametrize(
    ("name", "cycles"),
    [
        ("tfc_w4a4", 1024),
        pytest.param("kws_w4a4", 40000, marks=pytest.mark.slow),
        pytest.param("mobilenet_w4a4", 60000, marks=pytest.mark.slow),
        pytest.param("resnet8_w4a4", 200000, marks=pytest.mark.slow),
        pytest.param("unet_w4a4", 400000, marks=pytest.mark.slow),
        pytest.param("cnv_w2a2", 200000, marks=pytest.mark.slow),
    ],
)
def test_trained_networks_agree_on_real_images(name: str, cycles: int, tmp_path: Path) -> None:
    path = EXAMPLES / "models" / f"{name}.onnx"
    compiled = bitmason.compile(path, run_time_precision=True, max_cycles=cycles)
    images = images_of(compiled.design.graph.inputs[0].type.shape, 12)
    compiled = compiled.write(tmp_path / "project", "all")
    for claim in verify_project(compiled, samples=2, given=images):
        assert claim.holds, f"{claim.name}: {claim.detail} {claim.notes}"
