"""bm_float_decompressor, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_float_decompressor import CASES


def test_float_decompressor_keeps_its_contract() -> None:
    run_cell("bm_float_decompressor", CASES, "hw_tests.lib.tb_float_decompressor")
