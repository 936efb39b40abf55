"""bm_float_compressor_knobs and bm_float_decompressor_knobs, simulated."""

import pytest

from hw_tests.bench.runner import run_cell
from hw_tests.lib.tb_float_knobs import COMPRESSOR, DECOMPRESSOR, cases_of


@pytest.mark.parametrize("cell", [COMPRESSOR, DECOMPRESSOR])
def test_engines_of_run_time_formats_keep_their_contract(cell: str) -> None:
    run_cell(cell, cases_of(cell), "hw_tests.lib.tb_float_knobs")
