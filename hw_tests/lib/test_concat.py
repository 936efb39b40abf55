"""bm_concat, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_concat import CASES


def test_concat_keeps_its_contract() -> None:
    run_cell("bm_concat", CASES, "hw_tests.lib.tb_concat")
