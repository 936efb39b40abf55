"""bm_ras, simulated."""

from hw_tests.bench.runner import LIBRARY, run_bench
from hw_tests.bench.wrapper import wrap
from hw_tests.lib.tb_ras import cases, files

CELL = "bm_ras"


def test_ras_keeps_its_contract() -> None:
    top = f"bench_{CELL}"
    texts = {f"{top}.sv": wrap(top, CELL, cases(), LIBRARY)}
    run_bench(top, texts, "hw_tests.lib.tb_ras", files())
