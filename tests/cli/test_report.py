"""What `report` tells of a convolutional network: its pace, weight memories and FIFOs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import run

KWS = Path(__file__).resolve().parents[2] / "examples" / "models" / "kws_w4a4.onnx"
BRAM18_BITS = 18 * 1024


@pytest.fixture(scope="module")
def kws(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kws") / "p"
    assert run("compile", KWS, "-o", folder, "--max-cycles", "3000").status == 0
    return folder


@pytest.fixture(scope="module")
def report(kws: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((kws / "report.json").read_text())
    return found


def _lines(project: Path) -> list[str]:
    printed = run("report", project)
    assert (printed.status, printed.err) == (0, "")
    return printed.out.splitlines()


def test_the_pace_is_that_of_the_slowest_layer(report: dict[str, Any]) -> None:
    slowest = max(report["layers"], key=lambda layer: layer["cycles"])
    assert report["bottleneck"] == slowest["name"]
    assert report["ideal_ii_cycles"] == report["ii_cycles"] == slowest["cycles"]


def test_fifos_have_a_purpose_and_are_smaller_than_frames(
    kws: Path, report: dict[str, Any]
) -> None:
    assert report["fifos"]
    printed = _lines(kws)
    for fifo in report["fifos"]:
        assert fifo["bits"] == fifo["depth"] * fifo["width"] < fifo["frame_bits"]
        row = next(line for line in printed if fifo["purpose"] in line)
        for number in (fifo["depth"], fifo["width"], fifo["bits"], fifo["frame_bits"]):
            assert f" {number:,} " in row
        assert fifo["memory"] in row
        assert fifo["reason"] == "evens out bursts"
        assert fifo["reason"] in row
        names = {layer["name"] for layer in report["layers"]}
        assert names > set(fifo["purpose"].removeprefix("between ").split(" and "))
    assert report["fifo_bits"] == sum(fifo["bits"] for fifo in report["fifos"])
    assert report["fifo_bits_if_frames"] == sum(fifo["frame_bits"] for fifo in report["fifos"])


def test_weight_memories_hold_all_weights(kws: Path, report: dict[str, Any]) -> None:
    printed = _lines(kws)
    table = printed[next(i for i, line in enumerate(printed) if line.startswith("weights")) :]
    weighted = [layer for layer in report["layers"] if layer["weight_memory"]]
    assert {layer["op"] for layer in weighted} == {"dense", "depthwise"}
    for layer in weighted:
        memory, bits = layer["weight_memory"], layer["weight_bits"]
        assert memory["words"] * memory["word_bits"] == bits
        assert (memory["efficiency"] is None) == (memory["bram18"] == 0)
        if memory["bram18"]:
            assert memory["efficiency"] == round(bits / (memory["bram18"] * BRAM18_BITS), 3)
            assert memory["bram18"] <= layer["resources"]["bram18"]
        row = next(line for line in table if f" {layer['name']} " in line)
        assert f" {bits:,} " in row
        assert f" {memory['word_bits']:,} " in row
    total = report["weight_memory"]
    assert total["bits"] == sum(layer["weight_bits"] for layer in weighted)
    assert total["bram18"] == sum(layer["weight_memory"]["bram18"] for layer in weighted) > 0
    assert 0 < total["efficiency"] <= 1


def test_the_distance_from_the_ideal_is_told(kws: Path, report: dict[str, Any]) -> None:
    ideal = report["ideal_ii_cycles"]
    tail = _lines(kws)[-3:]
    assert f"the pace is set by '{report['bottleneck']}'." in tail[0]
    assert tail[1] == (
        f"Ideal is one every {ideal} cycles, which that layer takes alone: 100.0% of it reached."
    )
    (kws / "simulate.json").write_text(json.dumps({"ii_cycles": 2 * ideal}))
    assert f"Simulated in RTL: one every {2 * ideal} cycles, 50.0% of the ideal." in _lines(kws)
    for unmeasured in ('{"ii_cycles": null}', "[]", "{", ""):
        (kws / "simulate.json").write_text(unmeasured)
        assert not any("Simulated" in line for line in _lines(kws))
