"""bm_float_compressor_var, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_float_compressor_var import CASES


def test_float_compressor_var_keeps_its_contract() -> None:
    run_cell("bm_float_compressor_var", CASES, "hw_tests.lib.tb_float_compressor_var")
