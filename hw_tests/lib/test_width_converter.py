"""bm_width_converter, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_width_converter import CASES


def test_width_converter_keeps_its_contract() -> None:
    run_cell("bm_width_converter", CASES, "hw_tests.lib.tb_width_converter")
