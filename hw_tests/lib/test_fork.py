"""bm_fork, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_fork import CASES


def test_fork_keeps_its_contract() -> None:
    run_cell("bm_fork", CASES, "hw_tests.lib.tb_fork")
