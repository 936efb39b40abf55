"""bm_gap_decoder, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_gap_decoder import CASES


def test_gap_decoder_keeps_its_contract() -> None:
    run_cell("bm_gap_decoder", CASES, "hw_tests.lib.tb_gap_decoder")
