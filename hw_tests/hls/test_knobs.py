"""Networks whose precision changes from frame to frame: generated, built, and set by the caller.

Invariant: what a setting means is what the golden model makes of it, frame by frame.
"""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bitmason.backends.design import Design
from bitmason.backends.hls import emit_hls
from bitmason.backends.packing import ByteArray, pack_elements, unpack_elements
from bitmason.backends.settings import with_setting
from bitmason.diagnostics import CompileError
from bitmason.ir import Bipolar, Const, Folding, Int, IntType, TensorType, UInt
from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from bitmason.ir.interp import run
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.float_link import PATTERN, Compress, Decompress
from bitmason.ir.ops.windows import Windows
from bitmason.ir.types import IntArray
from bitmason.toolchain import gxx, hls
from hw_tests.hls.bench import write
from hw_tests.layers.cases import Case, Cases, chain_case

FRAMES = 30
REDUCIBLE = (0, 0)


def _dense(elem: IntType, rows: int, columns: int) -> Dense:
    codes = np.random.default_rng(rows).integers(0, 2**elem.bits, (rows, columns))
    return Dense(Const.integers(elem.decode(codes)), elem, cleared=REDUCIBLE)


def _depthwise(elem: IntType, channels: int, taps: int) -> Depthwise:
    codes = np.random.default_rng(taps).integers(0, 2**elem.bits, (channels, taps))
    return Depthwise(Const.integers(elem.decode(codes)), elem, 1, REDUCIBLE)


def _conv() -> Case:
    windows = Windows((2, 2), block=4)
    ops = [windows, _dense(Int(3), 4, 16), _dense(Bipolar(), 6, 4)]
    return chain_case("conv", TensorType((3, 4, 4), UInt(3)), ops, Folding(2, 4))


def _channels() -> Case:
    windows = Windows((3, 1))
    ops = [windows, _depthwise(Int(4), 4, 3), _dense(UInt(2), 3, 4)]
    return chain_case("channels", TensorType((4, 3, 4), Int(3)), ops, Folding(3, 2))


FLOAT = CustomFloat(4, 3, 7)
SMALL = CustomFloat(2, 1, 20)  # whose ranks are not too many for a product
FULL = CustomFloat(4, 4, 9, full=True)


def _compress(format_: CustomFloat, rounding: str) -> Compress:
    return Compress(format_, rounding, format_.knobs)


def _between_formats() -> Case:
    """Readers of three numbers, of two, and of three again."""
    ops = [_compress(SMALL, NEAREST), _dense(Int(3), 4, 8), Decompress(FULL, FULL.knobs)]
    return chain_case("between", TensorType((8,), PATTERN), ops, Folding(2))


def _links() -> Cases:
    back = [Decompress(FLOAT, FLOAT.knobs)]
    numbers = TensorType((6,), PATTERN)
    return {
        "nearest": chain_case("nearest", numbers, [_compress(FLOAT, NEAREST)], Folding(2)),
        "full": chain_case("full", numbers, [_compress(FULL, TRUNCATE)], Folding(6)),
        "back": chain_case("back", TensorType((6,), FLOAT.rank_type), back, Folding(3)),
    }


CASES: Cases = {
    "conv": _conv(),
    "channels": _channels(),
    "between": _between_formats(),
    **_links(),
}


@dataclass(frozen=True)
class Built:
    """A design as a library, and frames with what they are to give at each setting."""

    design: Design
    library: Path
    x: ByteArray
    settings: IntArray

    def play(self, settings: IntArray | None) -> ByteArray:
        """Return the beats that come out of the code."""
        port = self.design.sinks[0]
        shape = (port.beats, port.padded_width // 8)
        (y,) = hls.run(self.library, [self.x], [shape], settings=settings)
        return y

    def golden(self, settings: IntArray) -> ByteArray:
        """Return the beats that must come out."""
        source = self.design.source
        codes = unpack_elements(self.x, source.elem.bits, source.per_beat)
        type_ = self.design.graph[self.design.entry].type
        found = []
        for frame, setting in zip(type_.int_elem.decode(codes), settings.tolist(), strict=True):
            graph = with_setting(self.design, tuple(setting)).graph
            (y,) = run(graph, {self.design.entry: frame.reshape(1, *type_.shape)})
            found.append(self.design.sinks[0].elem.encode(y.astype(np.int64)).reshape(1, -1))
        port = self.design.sinks[0]
        return pack_elements(np.concatenate(found), port.elem.bits, port.per_beat)


def _built(design: Design, folder: Path) -> Built:
    emitted = emit_hls(design)
    write(emitted, folder)
    options = ["-O1", hls.NATIVE]
    library = hls.build(folder, [*emitted.files], emitted.top, folder / "build", options=options)
    rng, source = np.random.default_rng(1), design.source
    codes = rng.integers(0, 2**source.elem.bits, (FRAMES, source.elements))
    maxima = [knob.maximum for knob in design.knobs]
    settings = rng.integers(1, maxima, (FRAMES, len(maxima)), endpoint=True)
    x = pack_elements(codes, source.elem.bits, source.per_beat)
    return Built(design, library, x, settings)


@pytest.fixture(scope="module", params=CASES)
def built(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Built:
    return _built(CASES[request.param].design, tmp_path_factory.mktemp(request.param))


def _maxima(built: Built) -> IntArray:
    return np.array([[knob.maximum for knob in built.design.knobs]] * FRAMES)


def test_each_frame_has_its_setting(built: Built) -> None:
    wanted = built.golden(built.settings)
    np.testing.assert_array_equal(built.play(built.settings), wanted)
    different = (wanted != built.golden(_maxima(built))).any(axis=(1, 2))
    assert different.sum() > FRAMES // 2


def test_nothing_is_left_out_unless_asked(built: Built) -> None:
    np.testing.assert_array_equal(built.play(None), built.golden(_maxima(built)))


def test_numbers_out_of_range_are_the_nearest_within(built: Built) -> None:
    outside = built.settings.copy()
    outside[::3] = 0
    outside[1::3] = [[2**32 + 1], [40], [-7]] * (FRAMES // 9) + [[9]] * (FRAMES // 3 % 3)
    within = np.clip(outside, 1, _maxima(built))
    np.testing.assert_array_equal(built.play(outside), built.golden(within))


def test_settings_of_another_network_are_refused(built: Built) -> None:
    with pytest.raises(CompileError) as caught:
        built.play(built.settings[:, 1:])
    knobs = len(built.design.knobs)
    assert f"error[T005]: the code has {knobs} knobs, the graph {knobs - 1}" in str(caught.value)


def test_test_bench_plays_settings(built: Built, tmp_path: Path) -> None:
    home = built.library.parents[1]
    flags = ["-std=c++14", "testbench.cpp", str(built.library), "-o", "bench"]
    subprocess.run([str(gxx.find().path), *flags], cwd=home, check=True)

    def played(settings: IntArray) -> tuple[int, str]:
        built.x.tofile(tmp_path / "s_axis.bin")
        built.golden(settings).tofile(tmp_path / "m_axis.bin")
        done = subprocess.run(
            [home / "bench", tmp_path], capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout.splitlines()[0]

    beats = FRAMES * built.design.sinks[0].beats
    sound = (0, f"m_axis: {FRAMES} frames, {beats} beats, 0 mismatches")
    assert played(_maxima(built)) == sound
    built.settings.astype("<u4").tofile(tmp_path / "settings.bin")
    assert played(built.settings) == sound
    assert played(_maxima(built))[0] == 1
    built.settings[1:].astype("<u4").tofile(tmp_path / "settings.bin")
    count = built.settings.shape[1]
    told = (
        f"settings.bin has {count * (FRAMES - 1)} numbers, not {count} for each of {FRAMES} frames"
    )
    assert played(built.settings) == (2, told)
