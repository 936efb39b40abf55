"""A master at an AXI4-Lite port that asks for anything, legal or not."""

from __future__ import annotations

from typing import Any

from cocotbext.axi import AxiLiteBus, AxiLiteMaster
from cocotbext.axi.axil_channels import (
    AxiLiteARTransaction,
    AxiLiteAWTransaction,
    AxiLiteWTransaction,
)

from hw_tests.bench.streams import chance

OKAY, SLVERR = 0, 2


class Lite:
    """The five channels of a port called `s_axil`, each driven by itself."""

    def __init__(self, dut: Any) -> None:
        master = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk, dut.rst)
        write, read = master.write_if, master.read_if
        self.aw, self.w, self.b = write.aw_channel, write.w_channel, write.b_channel
        self.ar, self.r = read.ar_channel, read.r_channel
        self.channels = (self.aw, self.w, self.b, self.ar, self.r)

    def stall(self, probability: float, seed: int = 0) -> None:
        """Let each channel hold back at random from now on."""
        for index, channel in enumerate(self.channels):
            channel.set_pause_generator(chance(probability, 5 * seed + index))

    def clear(self) -> None:
        """Forget what was under way, as a reset does."""
        for channel in self.channels:
            channel.clear()

    async def write(self, address: int, value: int, strobe: int = 0xF) -> int:
        """Write a word, whatever the address; return the response."""
        await self.aw.send(AxiLiteAWTransaction(awaddr=address, awprot=0))
        await self.w.send(AxiLiteWTransaction(wdata=value, wstrb=strobe))
        return int((await self.b.recv()).bresp)

    async def read(self, address: int) -> tuple[int, int]:
        """Read a word, whatever the address; return it and the response."""
        await self.ar.send(AxiLiteARTransaction(araddr=address, arprot=0))
        answer = await self.r.recv()
        return int(answer.rdata), int(answer.rresp)
