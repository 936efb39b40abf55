"""Every layer of the RTL's benches in HLS C++: the same frames, the same beats.

Both ways of calculating are built: in the host's integers, and in `ap_int` as Vitis HLS does.
"""

from pathlib import Path

import pytest

from bitmason.toolchain import hls
from hw_tests.hls.bench import check_cases, every_function
from hw_tests.layers import (
    tb_arg_max,
    tb_arrange,
    tb_conv,
    tb_dense,
    tb_join,
    tb_lookup,
    tb_taps,
    tb_thresholds,
    tb_width_converter,
    tb_windows,
    tb_xnor_popcount,
)
from hw_tests.layers.cases import Cases

BENCHES: dict[str, Cases] = {
    module.__name__.rpartition("tb_")[2]: module.CASES
    for module in (
        tb_arg_max,
        tb_arrange,
        tb_conv,
        tb_dense,
        tb_join,
        tb_lookup,
        tb_taps,
        tb_thresholds,
        tb_width_converter,
        tb_windows,
        tb_xnor_popcount,
    )
}


@pytest.mark.parametrize("bench", BENCHES)
def test_layers_equal_the_golden_model(bench: str, tmp_path: Path) -> None:
    check_cases(BENCHES[bench], tmp_path, ["-O1", hls.NATIVE])


def test_every_function_equals_the_golden_model_in_ap_int(tmp_path: Path) -> None:
    check_cases(every_function(BENCHES), tmp_path, ["-O0"])


@pytest.mark.slow
@pytest.mark.parametrize("bench", BENCHES)
def test_layers_equal_the_golden_model_in_ap_int(bench: str, tmp_path: Path) -> None:
    check_cases(BENCHES[bench], tmp_path, ["-O0"])
