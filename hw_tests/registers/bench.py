"""A register block with a master at its bus, and what its map promises.

Invariant: every test sees the whole contract of the bus and of the settings watched in each cycle.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Never

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster
from cocotbext.axi.axil_channels import (
    AxiLiteARTransaction,
    AxiLiteAWTransaction,
    AxiLiteWTransaction,
)

from bitmason.backends.design import Knob
from bitmason.backends.registers import RegisterFiles, RegisterMap, emit_registers
from hw_tests.bench.streams import PERIOD_NS, chance, now

OKAY, SLVERR = 0, 2
EVENTS = ("frames_taken", "frames_given", "input_stalls", "output_stalls", "input_waits")
STREAM_PORTS = (
    *("s_axis_tvalid", "s_axis_tready", "frame_taken"),
    *("m_axis_tvalid", "m_axis_tready", "frame_given", "frame_error"),
)
# As planners make them, and with all that a map allows: one knob, another order, the widest.
KNOBS = (
    Knob("fc1", "wbits", 4, 3),
    Knob("fc1", "abits", 8, 4),
    Knob("cycles", "abits", 255, 8),
    Knob("begin", "abits", 1, 1),
    Knob("begin", "wbits", 2, 2),
    Knob("BEGIN", "wbits", 3, 2),
)
DIGEST = hashlib.sha256(b"a model").digest()


@cache
def files(network: str) -> RegisterFiles:
    """Return the register block of KNOBS under a network's name."""
    return emit_registers(network, KNOBS, DIGEST)


@dataclass
class Settings:
    """What the settings should be; a register of a layer is a number of 16 bits."""

    map: RegisterMap

    def __post_init__(self) -> None:
        self.words = {register.address: 0 for register in self.map.layers}
        for register in self.map.layers:
            for field in register.fields:
                self.words[register.address] |= field.maximum << field.lsb

    def write(self, address: int, value: int, strobe: int = 0xF) -> None:
        """Take what is written, byte by byte, within the bounds."""
        for register in self.map.layers:
            for field in register.fields:
                if register.address == address and strobe >> field.lsb // 8 & 1:
                    written = min(max(value >> field.lsb & 0xFF, 1), field.maximum)
                    kept = self.words[address] & ~field.mask
                    self.words[address] = kept | written << field.lsb

    @property
    def vector(self) -> int:
        """The settings of all knobs, the first one lowest."""
        value = place = 0
        for knob in KNOBS:
            register, field = self.map.setting(knob)
            value |= (self.words[register.address] >> field.lsb & 0xFF) << place
            place += knob.bits
        return value


def within_bounds(vector: int) -> bool:
    """Tell whether every knob is from 1 to its maximum."""
    for knob in KNOBS:
        if not 1 <= vector & (1 << knob.bits) - 1 <= knob.maximum:
            return False
        vector >>= knob.bits
    return vector == 0


class Bench:
    """A register block under test."""

    def __init__(self, dut: Any, stall: float, seed: int) -> None:
        self.dut = dut
        self.map = files("tfc").map
        self.settings = Settings(self.map)
        self.events = dict.fromkeys(EVENTS, 0)  # since the last reset
        self._origin = 0
        bus = AxiLiteBus.from_prefix(dut, "s_axil")
        self.master = AxiLiteMaster(bus, dut.clk, dut.rst)
        write, read = self.master.write_if, self.master.read_if
        self.aw, self.w, self.b = write.aw_channel, write.w_channel, write.b_channel
        self.ar, self.r = read.ar_channel, read.r_channel
        self.channels = (self.aw, self.w, self.b, self.ar, self.r)
        self.stall(stall, seed)

    @classmethod
    async def start(cls, dut: Any, stall: float = 0.0, seed: int = 0) -> Bench:
        """Start the clock and the watchers, and reset."""
        for name in STREAM_PORTS:
            getattr(dut, name).value = 0
        bench = cls(dut, stall, seed)
        Clock(dut.clk, PERIOD_NS, unit="ns").start()
        await bench.reset()
        cocotb.start_soon(bench._watch_answers())
        cocotb.start_soon(bench._watch_settings())
        cocotb.start_soon(bench._count())
        return bench

    def stall(self, probability: float, seed: int = 0) -> None:
        """Let each channel hold back at random from now on."""
        for index, channel in enumerate(self.channels):
            channel.set_pause_generator(chance(probability, 5 * seed + index))

    async def reset(self, cycles: int = 2) -> None:
        """Reset in whatever state the block is."""
        self.dut.rst.value = 1
        for channel in self.channels:
            channel.clear()
        await self.cycles(cycles)
        self.dut.rst.value = 0
        self._origin = now()
        self.settings = Settings(self.map)

    @property
    def cycle(self) -> int:
        """The number of clock edges since the reset."""
        return now() - self._origin

    async def cycles(self, count: int) -> None:
        """Let clock cycles go by."""
        for _ in range(count):
            await RisingEdge(self.dut.clk)

    async def write(self, address: int, value: int, strobe: int = 0xF) -> int:
        """Write a word of the bus, whatever the address; return the response."""
        await self.aw.send(AxiLiteAWTransaction(awaddr=address, awprot=0))
        await self.w.send(AxiLiteWTransaction(wdata=value, wstrb=strobe))
        answer = await self.b.recv()
        return int(answer.bresp)

    async def read(self, address: int) -> tuple[int, int]:
        """Read a word of the bus, whatever the address; return it and the response."""
        await self.ar.send(AxiLiteARTransaction(araddr=address, arprot=0))
        answer = await self.r.recv()
        return int(answer.rdata), int(answer.rresp)

    async def value(self, name: str) -> int:
        """Read a register, its low word first."""
        register = self.map[name]
        total = 0
        for word in range(register.bits // 32):
            value, response = await self.read(register.address + 4 * word)
            assert response == OKAY, name
            total |= value << 32 * word
        return total

    async def counters(self) -> dict[str, int]:
        """Read all counters but that of the cycles."""
        return {name: await self.value(name) for name in EVENTS}

    def drive(self, values: Mapping[str, int]) -> None:
        """Set ports of the streams."""
        for name, value in values.items():
            getattr(self.dut, name).value = value

    async def traffic(self, cycles: int, seed: int) -> None:
        """Let anything happen at the streams for some cycles, then nothing."""
        rng = np.random.default_rng(seed)
        for row in rng.integers(0, 2, (cycles, len(STREAM_PORTS))):
            self.drive(dict(zip(STREAM_PORTS, map(int, row), strict=True)))
            await RisingEdge(self.dut.clk)
        self.drive(dict.fromkeys(STREAM_PORTS, 0))
        await RisingEdge(self.dut.clk)

    async def _count(self) -> Never:
        """Count what the counters count."""
        dut = self.dut
        while True:
            await RisingEdge(dut.clk)
            if dut.rst.value:
                self.events = dict.fromkeys(EVENTS, 0)
                continue
            s_valid, s_ready = bool(dut.s_axis_tvalid.value), bool(dut.s_axis_tready.value)
            m_valid, m_ready = bool(dut.m_axis_tvalid.value), bool(dut.m_axis_tready.value)
            self.events["frames_taken"] += bool(dut.frame_taken.value)
            self.events["frames_given"] += bool(dut.frame_given.value)
            self.events["input_stalls"] += s_valid and not s_ready
            self.events["output_stalls"] += m_valid and not m_ready
            self.events["input_waits"] += s_ready and not s_valid

    async def _watch_answers(self) -> Never:
        """Fail when an answer on offer changes or goes away, or comes without a request."""
        dut = self.dut
        held: list[tuple[int, ...] | None] = [None, None]
        asked = [0, 0]
        while True:
            await RisingEdge(dut.clk)
            if dut.rst.value:
                held, asked = [None, None], [0, 0]
                continue
            answers = (
                (dut.s_axil_bvalid, dut.s_axil_bready, (dut.s_axil_bresp,)),
                (dut.s_axil_rvalid, dut.s_axil_rready, (dut.s_axil_rresp, dut.s_axil_rdata)),
            )
            asked[0] += bool(dut.s_axil_wvalid.value) and bool(dut.s_axil_wready.value)
            asked[1] += bool(dut.s_axil_arvalid.value) and bool(dut.s_axil_arready.value)
            for index, (valid, ready, payload) in enumerate(answers):
                offered = tuple(int(signal.value) for signal in payload) if valid.value else None
                assert held[index] in {None, offered}, f"{held[index]} became {offered} at {now()}"
                held[index] = None if ready.value else offered
                asked[index] -= offered is not None and bool(ready.value)
                assert asked[index] >= 0, "an answer that nobody asked for"

    async def _watch_settings(self) -> Never:
        """Fail when the hardware sees a setting out of its bounds."""
        while True:
            await RisingEdge(self.dut.clk)
            assert within_bounds(int(self.dut.settings.value)), hex(int(self.dut.settings.value))


def words(rng: np.random.Generator, count: int) -> list[int]:
    """Draw words whose bytes are often at a bound."""
    bounds = sorted({0, 1, 0xFF, *itertools.chain(*((k.maximum, k.maximum + 1) for k in KNOBS))})
    found = []
    for _ in range(count):
        near = rng.choice([bound for bound in bounds if bound < 256], 4)
        anything = rng.integers(0, 256, 4)
        picked = np.where(rng.random(4) < 0.5, near, anything)
        found.append(int.from_bytes(picked.astype(np.uint8).tobytes(), "little"))
    return found
