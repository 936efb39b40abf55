"""bm_knobs, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_knobs import CASES


def test_knobs_keep_their_contract() -> None:
    run_cell("bm_knobs", CASES, "hw_tests.lib.tb_knobs")
