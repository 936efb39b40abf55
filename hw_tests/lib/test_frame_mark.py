"""bm_frame_mark, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_frame_mark import CASES


def test_frame_mark_keeps_its_contract() -> None:
    run_cell("bm_frame_mark", CASES, "hw_tests.lib.tb_frame_mark")
