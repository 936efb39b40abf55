"""Claims about a generated register block, whatever goes on around it."""

from __future__ import annotations

import importlib.util
import itertools
import tempfile
from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.task import bridge, resume
from cocotb.triggers import RisingEdge
from cocotbext.axi.axil_channels import (
    AxiLiteARTransaction,
    AxiLiteAWTransaction,
    AxiLiteWTransaction,
)

from hw_tests.registers.bench import EVENTS, OKAY, SLVERR, STREAM_PORTS, Bench, files, words

STALLS = (0.0, 0.5)
LATENCY = 2  # from the cycle of a request to that of its answer


@cocotb.test(timeout_time=50, timeout_unit="us")
async def reset_shows_what_the_map_says(dut: Any) -> None:
    bench = await Bench.start(dut)
    for register in bench.map.registers:
        if register.buffered:
            continue
        value = await bench.value(register.name)
        assert value == sum((field.reset or 0) << field.lsb for field in register.fields)
    assert int(dut.settings.value) == bench.settings.vector
    assert await bench.counters() == dict.fromkeys(EVENTS, 0)
    magic, _ = await bench.read(0)
    assert magic.to_bytes(4, "little") == b"BITM"


@cocotb.test(timeout_time=50, timeout_unit="us")
@cocotb.parametrize(stall=STALLS)
async def every_setting_is_kept_within_its_bounds(dut: Any, stall: float) -> None:
    bench = await Bench.start(dut, stall)
    for register in bench.map.layers:
        for field in register.fields:
            top = field.maximum
            for value in sorted({*range(10), top - 1, top, min(top + 1, 255), 127, 128, 255}):
                assert await bench.write(register.address, value << field.lsb) == OKAY
                bench.settings.write(register.address, value << field.lsb)
                found = await bench.read(register.address)
                assert found == (bench.settings.words[register.address], OKAY)
                assert int(dut.settings.value) == bench.settings.vector


@cocotb.test(timeout_time=50, timeout_unit="us")
@cocotb.parametrize(seed=[0, 1])
async def writes_reach_their_bytes_alone(dut: Any, seed: int) -> None:
    bench = await Bench.start(dut, 0.3, seed)
    rng = np.random.default_rng(seed)
    layers = [register.address for register in bench.map.layers]
    for word in words(rng, 150):
        address, strobe = int(rng.choice(layers)), int(rng.integers(0, 16))
        assert await bench.write(address, word, strobe) == OKAY
        bench.settings.write(address, word, strobe)
        assert int(dut.settings.value) == bench.settings.vector
    for address in layers:
        assert await bench.read(address) == (bench.settings.words[address], OKAY)


@cocotb.test(timeout_time=50, timeout_unit="us")
async def a_master_of_bytes_finds_its_way(dut: Any) -> None:
    bench = await Bench.start(dut)
    layer = bench.map["layer_fc1"]
    await bench.master.write(layer.address + 1, b"\x02")  # abits alone
    assert (await bench.master.read(layer.address, 4)).data == b"\x04\x02\x00\x00"
    await bench.master.write(layer.address, b"\x03\x07")
    assert (await bench.master.read(layer.address, 2)).data == b"\x03\x07"


@cocotb.test(timeout_time=50, timeout_unit="us")
async def an_address_inside_a_word_is_the_words(dut: Any) -> None:
    bench = await Bench.start(dut)
    address = bench.map["layer_fc1"].address
    for inside in range(4):
        assert await bench.write(address + inside, 0x0101 * (inside + 1)) == OKAY
        assert await bench.read(address + 3 - inside) == (0x0101 * (inside + 1), OKAY)


@cocotb.test(timeout_time=50, timeout_unit="us")
async def bad_accesses_answer_slverr_and_change_nothing(dut: Any) -> None:
    bench = await Bench.start(dut)
    for register in bench.map.layers:
        await bench.write(register.address, 0x0101)
        bench.settings.write(register.address, 0x0101)
    readable = {
        address
        for register in bench.map.registers
        for address in range(register.address, register.end, 4)
    }
    writable = {r.address for r in bench.map.registers if r.access == "rw"}
    size = 1 << bench.map.address_bits
    places = {*range(0, 0x180, 4), *range(0x180, size, 0x7C), size - 4}
    for address in sorted(places):
        value, response = await bench.read(address)
        assert response == (OKAY if address in readable else SLVERR), hex(address)
        assert address in readable or value == 0
        response = await bench.write(address, 0xFFFF0000, 0xC)
        assert response == (OKAY if address in writable else SLVERR), hex(address)
        assert int(dut.settings.value) == bench.settings.vector
    assert await bench.value("magic") == int.from_bytes(b"BITM", "little")
    assert (await bench.value("cycles")) > len(places)  # nothing has cleared it


@cocotb.test(timeout_time=50, timeout_unit="us")
@cocotb.parametrize(stall=STALLS, seed=[0, 1])
async def counters_count_events_under_any_traffic(dut: Any, stall: float, seed: int) -> None:
    bench = await Bench.start(dut, stall, seed)
    traffic = cocotb.start_soon(bench.traffic(400, seed))
    seen = dict.fromkeys(EVENTS, 0)
    while not traffic.done():  # reading disturbs nothing, and never goes back
        counted = await bench.counters()
        assert all(seen[name] <= counted[name] for name in EVENTS)
        seen = counted
    await traffic
    assert await bench.counters() == bench.events
    assert all(60 < count < 260 for count in bench.events.values())


@cocotb.test(timeout_time=50, timeout_unit="us")
async def cycles_are_counted_from_reset_to_the_request(dut: Any) -> None:
    bench = await Bench.start(dut)
    for _ in range(5):
        bench.ar.send_nowait(AxiLiteARTransaction(araddr=0x20, arprot=0))
        await RisingEdge(dut.clk)
        while not (dut.s_axil_arvalid.value and dut.s_axil_arready.value):
            await RisingEdge(dut.clk)
        at_request = bench.cycle
        answer = await bench.r.recv()
        assert int(answer.rdata) == at_request
        assert (await bench.read(0x24)) == (0, OKAY)
    assert bench.cycle > 20


@cocotb.test(timeout_time=50, timeout_unit="us")
@cocotb.parametrize(stall=STALLS)
async def clearing_takes_all_counters_at_once(dut: Any, stall: float) -> None:
    bench = await Bench.start(dut, stall)
    bench.drive({"s_axis_tvalid": 1, "m_axis_tvalid": 1, "frame_taken": 1, "frame_given": 1})
    await bench.cycles(150)
    assert (await bench.value("input_stalls")) > 140
    assert await bench.write(0x10, 0xFFFFFFFE) == OKAY  # not this bit
    assert await bench.write(0x10, 1, 0xE) == OKAY  # nor this byte
    assert (await bench.value("input_stalls")) > 140
    assert await bench.write(0x10, 1) == OKAY
    await bench.cycles(10)
    bench.drive(dict.fromkeys(STREAM_PORTS, 0))
    await bench.cycles(2)
    counted = await bench.counters()
    assert counted["input_waits"] == 0
    since = counted["input_stalls"]
    assert 10 <= since < 60
    assert counted == dict.fromkeys(EVENTS, since) | {"input_waits": 0}
    assert since < (await bench.value("cycles")) < 300
    assert await bench.value("control") == 0


@cocotb.test(timeout_time=50, timeout_unit="us")
async def counters_start_again_in_the_same_cycle(dut: Any) -> None:
    bench = await Bench.start(dut)
    bench.drive({"s_axis_tready": 1})
    await bench.cycles(20)
    assert await bench.write(0x10, 1) == OKAY
    # There is a wait in each cycle, so of both there are as many at any time.
    first, _ = await bench.read(bench.map["input_waits"].address)
    second, _ = await bench.read(bench.map["cycles"].address)
    third, _ = await bench.read(bench.map["input_waits"].address)
    assert 0 < first < 20
    assert second - first == third - second > 0


@cocotb.test(timeout_time=50, timeout_unit="us")
async def status_shows_the_frame_error(dut: Any) -> None:
    bench = await Bench.start(dut)
    for error in (0, 1, 0):
        dut.frame_error.value = error
        await bench.cycles(1)
        assert await bench.value("status") == error


@cocotb.test(timeout_time=50, timeout_unit="us")
@cocotb.parametrize(stall=STALLS, seed=[0, 1])
async def accesses_in_a_row_keep_their_order(dut: Any, stall: float, seed: int) -> None:
    bench = await Bench.start(dut, stall, seed)
    rng = np.random.default_rng(seed)
    address = bench.map["layer_fc1"].address
    count = 120
    written = words(rng, count)
    states = [bench.settings.words[address]]
    for word in written:
        bench.settings.write(address, word)
        states.append(bench.settings.words[address])

    async def ask() -> None:
        for _ in range(count):
            await bench.ar.send(AxiLiteARTransaction(araddr=address, arprot=0))

    async def command() -> None:
        for word in written:
            await bench.aw.send(AxiLiteAWTransaction(awaddr=address, awprot=0))
            await bench.w.send(AxiLiteWTransaction(wdata=word, wstrb=0xF))

    async def finish() -> None:
        for _ in range(count):
            assert int((await bench.b.recv()).bresp) == OKAY

    traffic = cocotb.start_soon(bench.traffic(100, seed))
    tasks = [cocotb.start_soon(task()) for task in (ask, command, finish)]
    place = 0
    for _ in range(count):  # what is read are the states, one after the other
        found = int((await bench.r.recv()).rdata)
        place = states.index(found, place)
    for task in (*tasks, traffic):
        await task
    assert int(dut.settings.value) == bench.settings.vector


@cocotb.test(timeout_time=50, timeout_unit="us")
async def an_access_a_cycle_and_two_cycles_each(dut: Any) -> None:
    bench = await Bench.start(dut)
    bench.ar.queue_occupancy_limit = bench.r.queue_occupancy_limit = -1
    asked: list[int] = []
    answered: list[int] = []
    for _ in range(20):
        bench.ar.send_nowait(AxiLiteARTransaction(araddr=0, arprot=0))
    while len(answered) < 20:
        await RisingEdge(dut.clk)
        if dut.s_axil_arvalid.value and dut.s_axil_arready.value:
            asked.append(bench.cycle)
        if dut.s_axil_rvalid.value and dut.s_axil_rready.value:
            answered.append(bench.cycle)
    assert [after - before for before, after in zip(asked, answered, strict=True)] == [LATENCY] * 20
    assert asked == [*range(asked[0], asked[0] + 20)]


@cocotb.test(timeout_time=50, timeout_unit="us")
@cocotb.parametrize(late=range(8))
async def one_cycle_of_reset_is_enough(dut: Any, late: int) -> None:
    bench = await Bench.start(dut)
    address = bench.map["layer_fc1"].address
    await bench.write(address, 0x0101)
    bench.drive({"s_axis_tvalid": 1, "frame_given": 1})
    for channel in (bench.aw, bench.w, bench.ar):
        channel.queue_occupancy_limit = -1
    for channel in (bench.b, bench.r):  # answers that nobody takes, and requests behind them
        channel.set_pause_generator(itertools.repeat(True))
    for _ in range(4):
        bench.ar.send_nowait(AxiLiteARTransaction(araddr=address, arprot=0))
        bench.aw.send_nowait(AxiLiteAWTransaction(awaddr=address, awprot=0))
        bench.w.send_nowait(AxiLiteWTransaction(wdata=0x0202, wstrb=0xF))
    await bench.cycles(late)
    bench.drive(dict.fromkeys(STREAM_PORTS, 0))
    await bench.reset(1)
    bench.stall(0.0)
    await bench.cycles(1)
    assert int(dut.settings.value) == bench.settings.vector
    assert await bench.counters() == dict.fromkeys(EVENTS, 0)
    assert await bench.read(address) == (bench.settings.words[address], OKAY)
    assert await bench.write(address, 0x0303) == OKAY
    assert await bench.read(address) == (0x0303, OKAY)


@cocotb.test(timeout_time=50, timeout_unit="us")
async def the_python_model_drives_the_hardware(dut: Any) -> None:
    bench = await Bench.start(dut, 0.2)
    model = _python_model()

    async def read(address: int) -> int:
        value, response = await bench.read(address - 0x4000)
        assert response == OKAY
        return value

    async def write(address: int, value: int) -> None:
        assert await bench.write(address - 0x4000, value) == OKAY

    def software() -> tuple[int, ...]:
        registers = model.Registers(resume(read), resume(write), base=0x4000)
        registers.check()
        registers.layer_fc1.abits = 2
        registers.layer_begin.set(wbits=1, abits=1)
        before = registers.cycles
        registers.clear_counters()
        assert registers.cycles < before
        return registers.layer_fc1.abits, registers.layer_fc1.wbits, registers.layer_begin.wbits

    assert await bridge(software)() == (2, 4, 1)
    bench.settings.write(bench.map["layer_fc1"].address, 0x0204)
    bench.settings.write(bench.map["layer_begin"].address, 0x0101)
    assert int(dut.settings.value) == bench.settings.vector


def _python_model() -> Any:
    """Import the generated module from where no package of ours is needed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "registers.py"
        path.write_text(files("tfc").companions["registers.py"])
        spec = importlib.util.spec_from_file_location("tfc_registers", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module
