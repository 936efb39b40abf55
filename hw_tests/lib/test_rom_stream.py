"""bm_rom_stream, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_rom_stream import CASES, files


def test_rom_stream_keeps_its_contract() -> None:
    run_cell("bm_rom_stream", CASES, "hw_tests.lib.tb_rom_stream", files())
