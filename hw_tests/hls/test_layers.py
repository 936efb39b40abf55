"""Every layer of the RTL's benches in HLS C++: the same frames, the same beats.

Both ways of calculating are built: in the host's integers, and in `ap_int` as Vitis HLS does.
"""

from importlib import import_module
from pathlib import Path

import pytest

from bitmason.toolchain import hls
from hw_tests.hls.bench import check_cases, every_function
from hw_tests.hls.test_knobs import CASES as KNOBS
from hw_tests.layers.cases import Cases

LAYERS = Path(__file__).resolve().parents[1] / "layers"
BENCHES: dict[str, Cases] = {
    path.stem.removeprefix("tb_"): import_module(f"hw_tests.layers.{path.stem}").CASES
    for path in sorted(LAYERS.glob("tb_*.py"))
} | {"knobs": KNOBS}


@pytest.mark.parametrize("bench", BENCHES)
def test_layers_equal_the_golden_model(bench: str, tmp_path: Path) -> None:
    check_cases(BENCHES[bench], tmp_path, ["-O1", hls.NATIVE])


def test_every_function_equals_the_golden_model_in_ap_int(tmp_path: Path) -> None:
    check_cases(every_function(BENCHES), tmp_path, ["-O0"])


@pytest.mark.slow
@pytest.mark.parametrize("bench", BENCHES)
def test_layers_equal_the_golden_model_in_ap_int(bench: str, tmp_path: Path) -> None:
    check_cases(BENCHES[bench], tmp_path, ["-O0"])
