"""Claims about how the C++ harness writes and reads registers, on a design with a known answer."""

import re
import subprocess

import numpy as np
import pytest

from bitmason.diagnostics import CompileError
from bitmason.toolchain import verilator
from bitmason.toolchain.player import ByteArray, Response, Write
from hw_tests.harness.test_harness import Bench, random_beats, text_of

ADDED, COUNT, SILENT, NOWHERE = 0, 4, 8, 12
FRAMES = 30
SHAPE = (3, 1)
OKAY, SLVERR = Response.OKAY, Response.SLVERR


@pytest.fixture(scope="module")
def registered(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("registered")
    return Bench(folder, "registered", text_of("registered"), {"m_axis": SHAPE}, registers=True)


def expected(beats: ByteArray, added: dict[int, int]) -> ByteArray:
    """Return what comes out when a number is added from certain frames on."""
    numbers = np.zeros(len(beats), np.uint8)
    for frame, number in added.items():
        numbers[frame:] = number
    return beats + numbers[:, None, None]


@pytest.mark.parametrize("stall", [0.0, 0.4])
def test_a_write_acts_on_its_frame_and_on_all_of_it(registered: Bench, stall: float) -> None:
    added = {0: 1, 7: 100, 8: 3, FRAMES - 1: 255}
    writes = [Write(frame, ADDED, number) for frame, number in added.items()]
    for seed in range(4):
        beats = random_beats(FRAMES, *SHAPE, seed)
        result = registered.run(beats, stall=stall, seed=seed, writes=writes)
        np.testing.assert_array_equal(result.beats_out[0], expected(beats, added))
        assert result.write_responses == (OKAY,) * 4
        assert result.faults == ()


def test_every_frame_may_have_its_own_number(registered: Bench) -> None:
    beats = random_beats(FRAMES, *SHAPE)
    added = {frame: 7 * frame % 256 for frame in range(FRAMES)}
    writes = [Write(frame, ADDED, number) for frame, number in added.items()]
    result = registered.run(beats, stall=0.3, writes=writes, reads=[COUNT])
    np.testing.assert_array_equal(result.beats_out[0], expected(beats, added))
    assert result.values == (FRAMES,)


def test_writes_before_the_same_frame_keep_their_order(registered: Bench) -> None:
    beats = random_beats(FRAMES, *SHAPE)
    writes = [Write(2, ADDED, number) for number in (9, 8, 7)]
    result = registered.run(beats, writes=writes)
    np.testing.assert_array_equal(result.beats_out[0], expected(beats, {2: 7}))


@pytest.mark.parametrize("stall", [0.0, 0.5])
def test_reads_come_last_and_in_order(registered: Bench, stall: float) -> None:
    beats = random_beats(FRAMES, *SHAPE)
    writes = [Write(0, ADDED, 0x80000001), Write(1, NOWHERE, 5)]
    reads = [ADDED, COUNT, NOWHERE, ADDED]
    result = registered.run(beats, stall=stall, writes=writes, reads=reads)
    assert result.values[:2] == (0x80000001, 2)
    assert result.values[3] == 0x80000001
    assert result.read_responses == (OKAY, OKAY, SLVERR, OKAY)
    assert result.write_responses == (OKAY, SLVERR)


def test_frames_wait_for_the_answer(registered: Bench) -> None:
    beats = random_beats(FRAMES, *SHAPE)
    plain = registered.run(beats)
    written = registered.run(beats, writes=[Write(f, ADDED, 0) for f in range(FRAMES)])
    assert plain.ii_cycles == 3
    assert written.ii_min > 3


def test_registers_that_do_not_answer_are_named(registered: Bench) -> None:
    beats = random_beats(FRAMES, *SHAPE)
    message = r"no progress for 300 cycles: the registers do not answer \((6|90) of 90 input beats"
    with pytest.raises(CompileError, match=message):
        registered.run(beats, writes=[Write(2, SILENT, 1)], watchdog_cycles=300)
    with pytest.raises(CompileError, match=message):
        registered.run(beats, reads=[SILENT], watchdog_cycles=300)


def test_the_port_is_there_only_when_asked_for(registered: Bench) -> None:
    folder = registered.binary.parent
    without = verilator.build([registered.source], "registered", folder)
    assert without != registered.binary
    arguments = ["--in", "in", "--out", "out", "--json", "json", "--in-beats", "3"]
    arguments += ["--in-bytes", "1", "--out-beats", "3", "--out-bytes", "1"]
    arguments += ["--watchdog", "9", "--frames", "1"]
    (registered.dir / "in").write_bytes(bytes(6))
    np.array([Write(1, ADDED, 1)], "<u8").tofile(registered.dir / "writes")
    for access in (["--read", "0"], ["--writes", "writes"]):
        ended = refused([str(without), *arguments[:-2], "--frames", "2", *access], registered)
        assert "the design has no registers to write or read" in ended
    for access, message in (
        (["--writes", "writes"], "a write before frame 1 .* there are only 1 frames"),
        (["--writes", "missing"], "cannot open missing"),
        (["--read", "x"], "--read needs a whole number, not 'x'"),
    ):
        assert re.search(
            message, refused([str(registered.binary), *arguments, *access], registered)
        )


def test_writes_must_stand_in_the_order_of_their_frames(registered: Bench) -> None:
    writes = [Write(3, ADDED, 1), Write(2, ADDED, 1)]
    with pytest.raises(CompileError, match="before frame 2 comes after one before frame 3"):
        registered.run(random_beats(FRAMES, *SHAPE), writes=writes)


def refused(command: list[str], bench: Bench) -> str:
    """Return what the program says about arguments that it refuses."""
    ended = subprocess.run(command, cwd=bench.dir, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    return ended.stderr
