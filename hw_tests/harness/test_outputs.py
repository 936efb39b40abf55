"""Claims about the C++ harness on designs with several outputs, and about what FIFOs report."""

import numpy as np
import pytest

from bitmason.backends.design import Design
from bitmason.backends.packing import pack_elements, unpack_elements
from bitmason.backends.schedule import Model
from bitmason.backends.sv import emit_sv
from bitmason.diagnostics import CompileError
from bitmason.ir import Bipolar, Builder, Const, Folding, Graph, Int, TensorType, UInt
from bitmason.ir.interp import run
from bitmason.ir.ops.arrange import Concat, Crop
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.join import WeightedSum
from bitmason.ir.ops.windows import Windows
from bitmason.ir.types import IntArray
from bitmason.simulation import Rtl
from bitmason.toolchain import player, verilator
from bitmason.toolchain.player import ByteArray, RunOptions, RunResult
from hw_tests.harness.test_harness import Bench, random_beats, text_of
from hw_tests.layers.bench import random_values
from hw_tests.layers.cases import LOC, graph_case

LATE = 6
SINKS = {"m_axis": (4, 1), "m1_axis": (1, 5)}


@pytest.fixture(scope="module")
def brancher(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    return Bench(tmp_path_factory.mktemp("bench"), "brancher", text_of("brancher"), SINKS)


def totals(beats: ByteArray) -> ByteArray:
    """Return three times the sum of each frame as one beat of five bytes."""
    sums = 3 * beats.astype("<u8").sum(axis=(1, 2))
    words: ByteArray = sums.view(np.uint8).reshape(len(beats), 1, 8)
    return words[:, :, :5]


def marked(marker: int, frames: int = 6) -> ByteArray:
    """Return frames of zeros where the third one ends with `marker`."""
    beats = np.zeros((frames, 4, 1), np.uint8)
    beats[2, 3] = marker
    return beats


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_every_output_has_its_own_frames(brancher: Bench, stall: float) -> None:
    beats = random_beats(60, 4, 1) % 0xF0
    for seed in range(3):
        result = brancher.run(beats, stall=stall, seed=seed)
        bytes_out, sums_out = result.beats_out
        np.testing.assert_array_equal(bytes_out, beats)
        np.testing.assert_array_equal(sums_out, totals(beats))
        assert result.faults == ()


def test_a_frame_ends_with_its_last_output(brancher: Bench) -> None:
    result = brancher.run(np.zeros((40, 4, 1), np.uint8))
    # The fourth beat is taken three cycles after the first; its total needs LATE registers.
    assert result.latency_cycles == 3 + LATE
    assert (result.ii_cycles, result.ii_min, result.ii_max) == (4, 4, 4)
    assert result.cycles == 40 * 4 + LATE


def test_outputs_stall_independently(brancher: Bench) -> None:
    result = brancher.run(np.zeros((500, 4, 1), np.uint8), stall=0.5, seed=1)
    # Source and first sink alone take some 2.5 cycles a beat; a common stall would add nothing.
    assert 2.5 < result.cycles / (500 * 4) < 3.5


def test_faults_of_every_output_are_counted(brancher: Bench) -> None:
    assert "1 output beats follow the last frame" in brancher.run(marked(0xF1)).faults
    # From the third frame on; the totals alone, whose tlast is wrong.
    faults = brancher.run(marked(0xF2)).faults
    assert any(fault.startswith("tlast is wrong in ") for fault in faults)


def test_stuck_outputs_are_counted_together(brancher: Bench) -> None:
    beats = marked(0)
    beats[2, 2] = 0xF3
    message = "the output waits.*24 of 24 input beats taken, 29 of 30 output beats given"
    with pytest.raises(CompileError, match=message):
        brancher.run(beats, watchdog_cycles=500)


def test_shapes_must_be_those_of_the_outputs(brancher: Bench) -> None:
    beats = marked(0)
    with pytest.raises(CompileError, match="the design has 2 outputs, not 1"):
        player.run(brancher.binary, beats, [(4, 1)], cwd=brancher.dir)
    with pytest.raises(CompileError, match="m1_axis_tdata is stored in 8 bytes"):
        player.run(brancher.binary, beats, [(4, 1), (1, 4)], cwd=brancher.dir)


def test_binaries_differ_by_their_outputs(brancher: Bench) -> None:
    one = verilator.build([brancher.source], "brancher", brancher.dir / "one", sinks=["m_axis"])
    assert one.name != brancher.binary.name


def _branches() -> Graph:
    """Return two convolutions of different depths, summed; the sum and a part of it are outputs."""
    builder = Builder("branches")
    x = builder.input("x", TensorType((4, 6, 2), UInt(3)), LOC)
    windows = Windows((3, 3), block=2)
    rng = np.random.default_rng(0)
    weights = Const.integers(random_values(rng, Int(3), (2, 18)))
    y = builder.add(windows, [x], LOC, "windows")
    y = builder.add(Dense(weights, Int(3)), [y], LOC, "conv", Folding(2, 2))
    middle = builder.add(Crop((1, 1, 0), (2, 4, 2), (1, 1, 1)), [x], LOC, "middle")
    factors = Const.integers(np.array([[1], [3]]))
    total = builder.add(WeightedSum(factors), [y, middle], LOC, "total")
    binary = Const.integers(random_values(rng, Bipolar(), (3, 2)))
    other = builder.add(Dense(binary, Bipolar()), [total], LOC, "other", Folding(1, 2))
    both = builder.add(Concat(), [other, total], LOC, "both")
    return builder.finish([total, both])


@pytest.fixture(scope="module")
def branches(tmp_path_factory: pytest.TempPathFactory) -> tuple[Design, Rtl]:
    design = graph_case(_branches()).design
    emitted = emit_sv(design)
    folder = tmp_path_factory.mktemp("branches")
    (folder / "rtl" / "lib").mkdir(parents=True)
    for name, text in (*emitted.sources.items(), *emitted.memories.items()):
        (folder / "rtl" / name).write_text(text)
    sources = tuple(name for name in emitted.sources if name.endswith(".sv"))
    return design, Rtl(folder, emitted.top, sources, emitted.sinks)


def _played(
    case: tuple[Design, Rtl], x: IntArray, options: RunOptions = player.NO_STALLS
) -> RunResult:
    """Return what the simulated hardware makes of the frames `x`."""
    design, rtl = case
    port = design.source
    codes = port.elem.encode(x.reshape(len(x), -1))
    beats = pack_elements(codes, port.elem.bits, port.per_beat)
    shapes = [(sink.beats, sink.padded_width // 8) for sink in design.sinks]
    return player.run(rtl.binary(), beats, shapes, cwd=rtl.folder / "rtl", options=options)


@pytest.mark.parametrize("stall", [0.0, 0.3])
def test_several_outputs_of_a_design_equal_the_golden_model(
    branches: tuple[Design, Rtl], stall: float
) -> None:
    design, _ = branches
    x = random_values(np.random.default_rng(1), UInt(3), (12, 4, 6, 2))
    result = _played(branches, x, RunOptions(stall=stall, seed=5))
    golden = run(_branches(), {"x": x})
    assert len(result.beats_out) == len(golden) == 2
    for port, beats, wanted in zip(design.sinks, result.beats_out, golden, strict=True):
        found = port.elem.decode(unpack_elements(beats, port.elem.bits, port.per_beat))
        np.testing.assert_array_equal(found, wanted.reshape(found.shape))


def test_fifos_fill_exactly_as_the_model_says(branches: tuple[Design, Rtl]) -> None:
    design, _ = branches
    assert design.fifos
    frames = 12
    modelled = Model(design).run(frames)
    measured = _played(branches, np.zeros((frames, 4, 6, 2), np.int64))
    assert dict(measured.fifo_peaks) == {
        layer.name: modelled.peaks[layer.name] for layer in design.fifos
    }
    assert any(peak > 2 for peak in measured.fifo_peaks.values())
    assert measured.ii_cycles == modelled.ii_cycles == design.ii_cycles
    assert measured.latency_cycles == Model(design).run(1).latency_cycles
