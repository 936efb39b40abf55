"""The claim that one cycle of reset is enough, with beats on offer in the very next one."""

from __future__ import annotations

from typing import Any

from cocotb.triggers import FallingEdge

from hw_tests.bench.claims import Promise, draw_streams, flat, send, started

CUTS = range(1, 7)  # beats that go in before the reset


async def starts_right_behind_reset(dut: Any, prefix: str, promise: Promise[Any]) -> None:
    """However a frame was cut short, the first beat behind a reset of one cycle meets no delay."""
    bench = await started(dut, prefix, promise)
    for cut in CUTS:
        sent, wanted = draw_streams(promise, 3, cut)
        for source, frames in zip(bench.sources, sent, strict=True):
            source.send(flat(frames)[:cut])
        await bench.cycles(cut + promise.latency + 3)
        done, taken = len(bench.sink.beats), len(bench.source.accepted)
        dut.rst.value = 1
        await FallingEdge(dut.clk)  # queued now, a beat is on offer when the reset is over
        send(bench, sent)
        await bench.cycles(1)
        dut.rst.value = 0
        beats = flat(wanted[0])
        assert (await bench.collect(done + len(beats)))[done:] == beats
        first = bench.sink.offered[done] - bench.source.accepted[taken + promise.needs - 1]
        assert first == promise.latency
