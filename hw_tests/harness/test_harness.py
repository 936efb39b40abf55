"""Claims about the C++ harness, measured on small hand-written designs with known answers."""

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from bitmason.diagnostics import CompileError
from bitmason.toolchain import player, verilator
from bitmason.toolchain.player import ByteArray, RunOptions, RunResult

HERE = Path(__file__).parent
STAGES = 3


class Bench:
    """One built design and the shape of its frames."""

    def __init__(
        self,
        folder: Path,
        top: str,
        source: str,
        sinks: dict[str, tuple[int, int]],
        *,
        registers: bool = False,
    ) -> None:
        self.dir = folder
        self.top = top
        self.source = folder / f"{top}.sv"
        self.source.write_text(source)
        self.sinks = sinks
        build_dir = folder / "with a space"
        self.binary = verilator.build(
            [self.source], top, build_dir, sinks=[*sinks], registers=registers
        )

    @property
    def out_shape(self) -> tuple[int, int]:
        (shape,) = self.sinks.values()
        return shape

    def run(self, beats_in: ByteArray, **options: object) -> RunResult:
        chosen = RunOptions(**options)  # type: ignore[arg-type]
        shapes = [*self.sinks.values()]
        return player.run(self.binary, beats_in, shapes, cwd=self.dir, options=chosen)


def random_beats(frames: int, beats: int, width: int, seed: int = 0) -> ByteArray:
    return np.random.default_rng(seed).integers(0, 256, (frames, beats, width), np.uint8)


def text_of(top: str) -> str:
    return (HERE / f"{top}.sv").read_text()


@pytest.fixture(scope="module", params=[1, 5, 98], ids=lambda width: f"{width}-bytes")
def through(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Bench:
    width: int = request.param
    source = text_of("pipeline").replace("DATA_W = 8", f"DATA_W = {8 * width}")
    return Bench(tmp_path_factory.mktemp("through"), "pipeline", source, {"m_axis": (4, width)})


@pytest.fixture(scope="module")
def splitter(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    return Bench(folder, "splitter", text_of("splitter"), {"m_axis": (6, 2)})


@pytest.fixture(scope="module")
def misbehaving(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("bench")
    (folder / "table.mem").write_text("".join(f"{255 - i:02x}\n" for i in range(256)))
    return Bench(folder, "misbehaving", text_of("misbehaving"), {"m_axis": (4, 1)})


def test_bytes_of_any_width_come_through_unchanged(through: Bench) -> None:
    beats = random_beats(50, *through.out_shape)
    result = through.run(beats)
    np.testing.assert_array_equal(result.beats_out[0], beats)
    assert result.faults == ()


def test_measures_latency_and_distance_of_a_pipeline(through: Bench) -> None:
    result = through.run(random_beats(50, *through.out_shape))
    assert result.latency_cycles == STAGES + 3  # the fourth beat is taken three cycles later
    assert (result.ii_cycles, result.ii_min, result.ii_max, result.ii_mean) == (4, 4, 4, 4.0)
    assert result.cycles == 50 * 4 + STAGES
    assert result.frames_per_second > 0


@pytest.mark.parametrize("seed", range(3))
def test_stalls_change_the_time_but_not_the_answer(through: Bench, seed: int) -> None:
    beats = random_beats(500, *through.out_shape, seed)
    result = through.run(beats, stall=0.5, seed=seed)
    np.testing.assert_array_equal(result.beats_out[0], beats)
    assert result.faults == ()
    assert result.ii_cycles is None
    # One stalling side alone would take 2 cycles a beat, with a deviation of 0.03.
    assert 2.2 < result.cycles / (500 * 4) < 2.8


def test_equal_seeds_stall_equally(through: Bench) -> None:
    beats = random_beats(20, *through.out_shape)
    cycles = [through.run(beats, stall=0.3, seed=seed).cycles for seed in (1, 1, 2)]
    assert cycles[0] == cycles[1] != cycles[2]


def test_frames_of_different_lengths_in_and_out(splitter: Bench) -> None:
    beats = random_beats(40, 3, 3)
    padded = np.pad(beats, ((0, 0), (0, 0), (0, 1)))
    for stall in (0.0, 0.4):
        result = splitter.run(beats, stall=stall)
        np.testing.assert_array_equal(result.beats_out[0], padded.reshape(40, 6, 2))
        assert result.faults == ()
    assert splitter.run(beats).ii_cycles == 6
    assert splitter.run(beats).latency_cycles == 6


def test_one_frame_has_a_latency_but_no_distance(splitter: Bench) -> None:
    result = splitter.run(random_beats(1, 3, 3))
    assert (result.latency_cycles, result.ii_cycles, result.ii_mean) == (6, None, 0.0)


def test_tells_progress_up_to_the_last_frame(splitter: Bench) -> None:
    told: list[int] = []
    splitter.run(random_beats(1000, 3, 3), progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1000
    assert 100 <= len(told) <= 250


def frames_with(marker: int, frames: int = 6) -> ByteArray:
    """Return frames of zeros with `marker` in the second beat of the third frame."""
    beats = np.zeros((frames, 4, 1), np.uint8)
    beats[2, 1] = marker
    return beats


def test_memory_files_are_read_from_the_given_folder(misbehaving: Bench) -> None:
    result = misbehaving.run(frames_with(0x55))
    np.testing.assert_array_equal(result.beats_out[0], 255 - frames_with(0x55))
    assert result.faults == ()


def test_missing_memory_file_stops_the_run(misbehaving: Bench, tmp_path: Path) -> None:
    with pytest.raises(CompileError, match=r"T005.*\n.*table\.mem.*not found"):
        player.run(misbehaving.binary, frames_with(0), [(4, 1)], cwd=tmp_path)


@pytest.mark.parametrize(
    ("marker", "fault"),
    [
        (0xE2, "tlast is wrong in 1 output beats"),
        (0xE3, "1 output beats follow the last frame"),
        (0xE6, "frame_error is set though every frame was well formed"),
    ],
)
def test_reports_breaches_of_the_stream_contract(
    misbehaving: Bench, marker: int, fault: str
) -> None:
    assert fault in misbehaving.run(frames_with(marker)).faults


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        (0xE1, "the output waits.*24 of 24 input beats taken, 23 of 24 output beats given"),
        (0xE5, "the input waits: s_axis_tready stays low"),
    ],
)
def test_names_the_side_that_is_stuck(misbehaving: Bench, marker: int, message: str) -> None:
    with pytest.raises(CompileError, match=rf"T005.*no progress for 500 cycles: {message}"):
        misbehaving.run(frames_with(marker), watchdog_cycles=500)


def test_failing_assertion_stops_the_run_and_is_shown(misbehaving: Bench) -> None:
    with pytest.raises(
        CompileError, match=r"T005\]: the simulated design reported.*\n.*never_e4_a"
    ):
        misbehaving.run(frames_with(0xE4))


def test_registers_without_reset_start_at_random(misbehaving: Bench) -> None:
    answers = {
        int(misbehaving.run(frames_with(0xE7), seed=seed).beats_out[0][2, 1, 0])
        for seed in range(4)
    }
    assert len(answers) > 1


def test_irregular_distances_are_not_called_a_constant(misbehaving: Bench) -> None:
    beats = np.zeros((8, 4, 1), np.uint8)
    beats[5, 1] = 0xE8  # delays this frame
    result = misbehaving.run(beats)
    assert (result.ii_cycles, result.ii_min, result.ii_max) == (None, 4, 4 + 7)
    assert result.ii_mean == (4 + 11 + 4 + 4) / 4
    beats[5, 1], beats[1, 1] = 0, 0xE8  # in the first half: the steady state is regular
    result = misbehaving.run(beats)
    assert (result.ii_cycles, result.ii_max, result.ii_mean) == (4, 11, 4.0)


def test_builds_again_only_when_a_source_changes(splitter: Bench) -> None:
    folder = splitter.binary.parent
    before = splitter.binary.stat().st_mtime_ns
    assert verilator.build([splitter.source], splitter.top, folder) == splitter.binary
    assert splitter.binary.stat().st_mtime_ns == before
    changed = splitter.dir / "changed.sv"
    changed.write_text(splitter.source.read_text().replace("8'h00", "8'hff"))
    rebuilt = verilator.build([changed], splitter.top, folder)
    assert rebuilt != splitter.binary
    beats = random_beats(2, 3, 3)
    result = player.run(rebuilt, beats, [(6, 2)], cwd=folder)
    assert (result.beats_out[0][:, 1::2, 1] == 0xFF).all()


def test_nothing_but_programs_and_logs_stays_behind(splitter: Bench) -> None:
    splitter.run(random_beats(1, 3, 3))
    names = {path.name for path in splitter.binary.parent.iterdir()}
    assert all(re.fullmatch(r"splitter-[0-9a-f]{16}(\.log)?", name) for name in names)


def test_rejected_design_is_shown_with_the_log(tmp_path: Path) -> None:
    source = tmp_path / "dut.sv"
    source.write_text("module dut (input wire logic clk);\n  assign nothing = clk\nendmodule\n")
    with pytest.raises(CompileError, match=r"T004\]: Verilator failed\n[^\n]*dut\.sv:3") as caught:
        verilator.build([source], "dut", tmp_path / "build")
    log = Path(caught.value.diagnostics[0].notes[-1].removeprefix("log: "))
    assert "dut.sv:3" in log.read_text()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"--in-bytes": "9"}, "s_axis_tdata is stored in 4 bytes, which does not fit beats of 9"),
        ({"--frames": "0"}, "must be at least 1"),
        ({"--frames": "x"}, "--frames needs a whole number, not 'x'"),
        ({"--stall": "1.0"}, "--stall needs a number from 0 to below 1, not '1.0'"),
        ({"--frames": "3"}, "the input file ends in beat 6 of 9"),
        ({"--in": "missing"}, "cannot open missing"),
        ({"--colour": "red"}, "unknown option --colour"),
    ],
)
def test_program_rejects_wrong_arguments(
    splitter: Bench, tmp_path: Path, change: dict[str, str], message: str
) -> None:
    random_beats(2, 3, 3).tofile(tmp_path / "in")
    options = {"--in": "in", "--out": "out", "--json": "json", "--frames": "2", "--in-beats": "3"}
    options |= {"--in-bytes": "3", "--out-beats": "6", "--out-bytes": "2", "--watchdog": "100"}
    arguments = [text for pair in (options | change).items() for text in pair]
    ended = subprocess.run(
        [splitter.binary, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert message in ended.stderr
