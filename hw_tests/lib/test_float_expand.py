"""bm_float_expand, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_float_expand import CASES


def test_float_expand_keeps_its_contract() -> None:
    run_cell("bm_float_expand", CASES, "hw_tests.lib.tb_float_expand")
