"""bm_lookup, simulated."""

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_lookup import CASES, files


def test_lookup_keeps_its_contract() -> None:
    run_cell("bm_lookup", CASES, "hw_tests.lib.tb_lookup", files())
