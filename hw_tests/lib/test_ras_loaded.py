"""bm_ras_loaded, simulated."""

from hw_tests.bench.runner import LIBRARY, run_bench
from hw_tests.bench.wrapper import wrap
from hw_tests.lib.tb_ras_loaded import cases, files

CELL = "bm_ras_loaded"


def test_loaded_ras_keeps_its_contract() -> None:
    top = f"bench_{CELL}"
    texts = {f"{top}.sv": wrap(top, CELL, cases(), LIBRARY)}
    run_bench(top, texts, "hw_tests.lib.tb_ras_loaded", files())
