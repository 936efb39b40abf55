"""bm_mvu_bitserial, simulated."""

from collections.abc import Mapping

import pytest

from hw_tests.bench.runner import LIBRARY, run_bench
from hw_tests.bench.wrapper import wrap
from hw_tests.lib.serial_shapes import GRID, SHAPES, Shape, cases, files

CELL = "bm_mvu_bitserial"


def run(shapes: Mapping[str, Shape], bench: str) -> None:
    """Simulate all of them side by side; the benches look at ports only."""
    top = f"bench_{CELL}"
    texts = {f"{top}.sv": wrap(top, CELL, cases(shapes), LIBRARY)}
    run_bench(top, texts, f"hw_tests.lib.{bench}", files(shapes))


def test_mvu_bitserial_keeps_its_contract() -> None:
    run(SHAPES, "tb_mvu_bitserial")


@pytest.mark.slow
def test_mvu_bitserial_multiplies_at_every_precision() -> None:
    run(GRID, "tb_mvu_bitserial_grid")
