"""bm_replay, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_replay import CASES


def test_replay_keeps_its_contract() -> None:
    run_cell("bm_replay", CASES, "hw_tests.lib.tb_replay")
