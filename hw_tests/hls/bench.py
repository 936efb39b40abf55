"""Plays the frames of the RTL's layer benches through the HLS C++ of the same layers.

Invariant: cases, frames and expected beats are those of `hw_tests/layers`; nothing is worked out
here a second time. The layers of a bench become one design, and so one function and one build.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bitmason.backends.design import Design, End, Stream
from bitmason.backends.hls import HlsFiles, emit_hls
from bitmason.backends.packing import ByteArray
from bitmason.toolchain import hls
from hw_tests.bench.claims import Streams
from hw_tests.layers.bench import promise
from hw_tests.layers.cases import Case, Cases

_FRAMES = 4


def check_cases(cases: Cases, folder: Path, options: Sequence[str]) -> None:
    """Check every beat of some random frames of every case, built with these options of g++."""
    design = side_by_side(cases)
    emitted = emit_hls(design)
    write(emitted, folder)
    library = hls.build(folder, [*emitted.files], emitted.top, folder / "build", options=options)
    rng = np.random.default_rng(len(cases))
    sent, wanted = _frames([*cases.values()], rng)
    ports = (emitted.sources, emitted.sinks)
    beats_in, beats_out = (
        [_bytes(stream, port.bytes) for stream, port in zip(streams, end, strict=True)]
        for streams, end in zip((sent, wanted), ports, strict=True)
    )
    shapes = [(port.beats, port.bytes) for port in emitted.sinks]
    found = hls.run(library, beats_in, shapes)
    owners = [name for name, one in cases.items() for _ in one.gives]
    for name, ours, theirs in zip(owners, found, beats_out, strict=True):
        np.testing.assert_array_equal(ours, theirs, err_msg=name)


def write(emitted: HlsFiles, folder: Path) -> Path:
    """Write the files of a design, and return their folder."""
    for name, text in emitted.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def every_function(benches: Mapping[str, Cases]) -> Cases:
    """Return the first cases that between them need the whole library."""
    found: dict[str, Case] = {}
    seen: set[str] = set()
    for bench, cases in benches.items():
        for name, one in cases.items():
            headers = {path for path in emit_hls(one.design).files if path.startswith("lib/")}
            if headers - seen:
                found[f"{bench}_{name}"] = one
                seen |= headers
    return found


def side_by_side(cases: Cases) -> Design:
    """Return the designs of some cases as one, each with its own inputs and outputs."""
    layers, streams, nodes = [], [], []
    counts = [0, 0]
    for case, one in cases.items():
        design = one.design
        layers += [replace(layer, name=f"{case}_{layer.name}") for layer in design.layers]
        nodes += [replace(node, name=f"{case}_{node.name}") for node in design.graph.nodes]
        streams += [_moved(stream, case, counts) for stream in design.streams]
        counts[0] += sum(not stream.producer.layer for stream in design.streams)
        counts[1] += len(design.sinks)
    (first, *_) = (one.design for one in cases.values())
    graph = replace(first.graph, nodes=tuple(nodes))
    return replace(first, name="cases", graph=graph, layers=tuple(layers), streams=tuple(streams))


def _moved(stream: Stream, case: str, counts: list[int]) -> Stream:
    ends = (stream.producer, stream.consumer)
    producer, consumer = (
        End(f"{case}_{end.layer}", end.port) if end.layer else End("", end.port + before)
        for end, before in zip(ends, counts, strict=True)
    )
    return Stream(stream.port, producer, consumer)


def _frames(cases: list[Case], rng: np.random.Generator) -> tuple[list[Streams], list[Streams]]:
    """Return, for every input and every output, the beats of each frame."""
    sent: list[Streams] = []
    wanted: list[Streams] = []
    for one in cases:
        frame = promise(one).frame
        drawn = [frame(rng) for _ in range(_FRAMES)]
        sent += [list(of_port) for of_port in zip(*(x for x, _ in drawn), strict=True)]
        wanted += [list(of_port) for of_port in zip(*(y for _, y in drawn), strict=True)]
    return sent, wanted


def _bytes(frames: Streams, width: int) -> ByteArray:
    data = b"".join(beat.to_bytes(width, "little") for frame in frames for beat in frame)
    return np.frombuffer(data, np.uint8).reshape(len(frames), -1, width)
