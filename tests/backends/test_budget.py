"""Devices: a design never exceeds the one that is named, and is the fastest that fits."""

from __future__ import annotations

from dataclasses import asdict, replace
from itertools import pairwise

import numpy as np
import pytest

from bitmason.backends import devices
from bitmason.backends.dataflow import build_design
from bitmason.backends.design import Design, Prices, Resources
from bitmason.backends.devices import DEVICES, Device
from bitmason.backends.layers import Site, planner_of
from bitmason.backends.layers.multiplier import takes_dsp
from bitmason.config import Config
from bitmason.diagnostics import CompileError, Loc
from bitmason.ir import Bipolar, Builder, Const, Folding, Graph, Int, TensorType, UInt
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.windows import Windows

LOC = Loc("net.onnx", "conv")
SPARE = 0.95


def net(outputs: int = 16, channels: int = 8, bits: int = 4) -> Graph:
    """Return a convolution and a product behind it."""
    builder = Builder("net")
    x = builder.input("x", TensorType((10, 10, channels), UInt(bits)), LOC)
    x = builder.add(Windows((3, 3), block=channels), [x], LOC, "windows")
    rng = np.random.default_rng(0)
    w = Int(bits)
    for name, rows, columns in (("conv", outputs, 9 * channels), ("last", 10, outputs)):
        weights = Const.integers(rng.integers(w.lo, w.hi + 1, (rows, columns)))
        x = builder.add(Dense(weights, w), [x], LOC, name)
    return builder.finish([x])


def _with(monkeypatch: pytest.MonkeyPatch, **holds: int) -> str:
    device = Device("toy", Resources(**holds))
    monkeypatch.setitem(devices.DEVICES, "toy", device)
    return "toy"


def _layers_total(design: Design) -> Resources:
    kept = [layer for layer in design.layers if layer.name in {n.name for n in design.graph.nodes}]
    return sum((layer.resources for layer in kept), Resources())


def _fits(design: Design, device: Device) -> bool:
    needs, holds = asdict(device.needs(_layers_total(design))), asdict(device.holds)
    return all(needs[name] <= SPARE * holds[name] for name in needs)


BUDGETS = {
    "plenty": {"lut": 10**7, "ff": 10**7, "dsp": 10**5, "bram18": 10**5},
    "logic": {"lut": 30_000, "ff": 30_000, "dsp": 100, "bram18": 0},
    "blocks": {"lut": 3_000, "ff": 6_000, "dsp": 20, "bram18": 60},
    "multipliers": {"lut": 3_000, "ff": 6_000, "dsp": 200, "bram18": 12},
    "little": {"lut": 2_200, "ff": 3_000, "dsp": 10, "bram18": 8},
}


@pytest.mark.parametrize("name", BUDGETS)
def test_a_design_never_exceeds_its_device(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    design = build_design(net(), Config(device=_with(monkeypatch, **BUDGETS[name])))
    assert _fits(design, DEVICES["toy"])


@pytest.mark.parametrize("name", BUDGETS)
def test_no_faster_target_fits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    device = _with(monkeypatch, **BUDGETS[name])
    best = build_design(net(), Config(device=device)).ii_cycles
    for faster in {round(best * part) for part in (0.2, 0.5, 0.8, 0.9, 0.97)} - {0, best}:
        with pytest.raises(CompileError) as caught:
            build_design(net(), Config(device=device, max_cycles=faster))
        assert caught.value.diagnostics[0].code in {"B002", "B004"}


def test_with_plenty_the_design_is_as_fast_as_can_be(monkeypatch: pytest.MonkeyPatch) -> None:
    device = _with(monkeypatch, **BUDGETS["plenty"])
    design = build_design(net(), Config(device=device))
    with pytest.raises(CompileError, match="B002"):
        build_design(net(), Config(max_cycles=design.ii_cycles - 1))


def test_more_of_a_device_is_never_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for factor in (1, 2, 4, 16):
        holds = {name: factor * count for name, count in BUDGETS["little"].items()}
        found.append(build_design(net(), Config(device=_with(monkeypatch, **holds))).ii_cycles)
    # The search is as fine as its precision.
    for less, more in pairwise(found):
        assert more <= less * 1.02
    assert found[-1] < found[0]


def test_a_target_is_met_at_no_more_than_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    device = _with(monkeypatch, **BUDGETS["plenty"])
    with_device = build_design(net(), Config(device=device, max_cycles=2000))
    without = build_design(net(), Config(max_cycles=2000))
    assert with_device.layers == without.layers


@pytest.mark.parametrize(
    ("scarce", "graph", "cycles"),
    [("bram18", net(outputs=32, channels=32), 20_000), ("dsp", net(bits=8), 4000)],
)
def test_what_is_scarce_is_saved(
    scarce: str, graph: Graph, cycles: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    plenty = dict.fromkeys(asdict(Resources()), 10**6)
    without_blocks = _with(monkeypatch, **plenty | {scarce: 0})
    in_logic = build_design(graph, Config(device=without_blocks, max_cycles=cycles))
    assert getattr(in_logic.resources, scarce) == 0
    lut = round(0.9 * _layers_total(in_logic).lut)
    with_little_logic = _with(monkeypatch, **plenty | {"lut": lut})
    in_blocks = build_design(graph, Config(device=with_little_logic, max_cycles=cycles))
    assert getattr(in_blocks.resources, scarce) > 0
    assert _layers_total(in_blocks).lut < lut


def test_single_bits_take_no_multipliers() -> None:
    costs = Resources(lut=1000), Resources(dsp=1)
    one, four = UInt(1), Int(4)
    assert takes_dsp("", (four, four), *costs, Prices())
    assert not takes_dsp("", (one, four), *costs, Prices())
    assert takes_dsp("dsp", (one, four), *costs, Prices())
    weights = np.random.default_rng(0).integers(-128, 128, (4, 9))
    for weight, values in ((Int(8), weights), (Bipolar(), 2 * (weights >= 0) - 1)):
        (node,) = _depthwise(Depthwise(Const.integers(values), weight, block=4)).nodes
        site = Site(node, (TensorType((1, 1, 36), UInt(8)),))
        assert (planner_of(node).plan(site, Folding(4, 9)).resources.dsp > 0) == (weight == Int(8))
        asked = planner_of(node).plan(site, Folding(4, 9, multipliers="dsp"))
        assert (asked.folding.multipliers == "dsp") == (weight == Int(8))


def _depthwise(op: Depthwise) -> Graph:
    builder = Builder("net")
    x = builder.input("x", TensorType((1, 1, 36), UInt(8)), LOC)
    return builder.finish([builder.add(op, [x], LOC, "conv")])


def test_a_design_that_does_not_fit_is_told_with_what_would(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    device = _with(monkeypatch, **BUDGETS["little"])
    best = build_design(net(), Config(device=device)).ii_cycles
    with pytest.raises(CompileError) as caught:
        build_design(net(), Config(device=device, max_cycles=64))
    unfit = build_design(net(), Config(max_cycles=64))
    (found,) = caught.value.diagnostics
    assert found.message == "the design does not fit toy"
    lut, stock = _layers_total(unfit).lut, round(SPARE * 2200)
    largest = max(unfit.layers, key=lambda layer: layer.resources.price(Prices()))
    assert found.notes[0] == (
        f"it needs {lut:,} LUT, {lut - stock:,} more than the {stock:,} to be had (95% of 2,200)"
    )
    assert found.notes[-1] == f"its largest layer is '{largest.name}'"
    assert found.help == f"use --max-cycles {best}, the fastest that fits, or a larger device"


def test_a_device_too_small_for_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    device = _with(monkeypatch, lut=40, ff=20_000, dsp=0, bram18=0)
    with pytest.raises(CompileError) as caught:
        build_design(net(), Config(device=device))
    shown = str(caught.value)
    assert "error[B004]: the design does not fit toy" in shown
    assert "help: use a larger device, or fewer bits or channels" in shown
    assert "flip-flops" not in shown
    assert "block RAMs" not in shown


def test_unreachable_targets_are_told_before_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    device = _with(monkeypatch, **BUDGETS["little"])
    with pytest.raises(CompileError, match="B002"):
        build_design(net(), Config(device=device, max_cycles=1))


def test_unknown_devices_are_told_with_the_nearest_name() -> None:
    with pytest.raises(CompileError) as caught:
        build_design(net(), Config(device="xc7z02"))
    assert str(caught.value).startswith("error[C001]: there is no device called 'xc7z02'")
    assert "help: did you mean 'xc7z0" in str(caught.value)


def test_a_project_that_is_read_back_is_not_fitted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = build_design(net(), Config(max_cycles=64)).graph
    device = _with(monkeypatch, **BUDGETS["little"])
    again = build_design(graph, Config(max_cycles=64, device=device))
    assert again.ii_cycles <= 64


@pytest.mark.parametrize("device", DEVICES.values(), ids=list(DEVICES))
def test_devices(device: Device) -> None:
    assert DEVICES[device.name] is device
    assert all(count > 0 for count in asdict(device.holds).values())
    estimated = Resources(lut=1000, ff=500, dsp=3, bram18=2)
    needs = device.needs(estimated)
    assert replace(needs, lut=0) == replace(estimated, lut=0)
    # LUTs of four inputs hold less than the LUT6 that estimates count.
    assert (needs.lut == 1000) == (not device.name.startswith("ecp5"))
    assert needs.lut in {1000, 1700}
