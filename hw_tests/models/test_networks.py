"""Every dense network at hand: executor == golden == RTL == HLS on 100 inputs.

The RTL runs them twice, with and without stalls.
"""

from pathlib import Path

import pytest

from bitmason.config import Config, make_config
from bitmason.diagnostics import Loc
from bitmason.pipeline import compile_model
from bitmason.verification import verify_project

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "models"
SHARED = ROOT.parent / "shared" / "models"
QUICK = ("tfc_w2a2.qcdq-ts", "TFC_2W2A", "jet", "qdense2_12_5544b2", "qdense_12_7bfcff")
# qkeras: qdense feed raw floats to the first product, so the input's type must be declared.
RAW_INPUT = {"input": {"type": "int8", "scale": 0.0625}}


def configurations() -> list[tuple[Path, Config, bool]]:
    """Return the networks, how to compile each, and whether it is quick enough for every run."""

    def plain(path: Path, quick: bool) -> tuple[Path, Config, bool]:
        return path, Config(), quick

    found = [plain(path, quick=True) for path in sorted(EXAMPLES.glob("[tl]fc_*.onnx"))]
    shared = [*SHARED.glob("own/tfc_*.onnx"), *SHARED.glob("zoo_tfc/*.onnx")]
    shared += [SHARED / "bench" / f"{name}.onnx" for name in ("jet", "tfc_w1a1", "tfc_w2a2")]
    shared += SHARED.glob("qkeras/model_test_qkeras_qactivation*.onnx")
    shared += SHARED.glob("qkeras/model_test_qkeras_qdense2*.onnx")
    found += [plain(path, quick=path.stem.endswith(QUICK)) for path in sorted(shared)]
    raw = make_config(RAW_INPUT, Loc("raw"))
    for path in sorted(SHARED.glob("qkeras/model_test_qkeras_qdense_*.onnx")):
        found.append((path, raw, path.stem.endswith(QUICK)))
    pixels = make_config({"input": {"type": "uint8", "scale": "1/255"}}, Loc("pixels"))
    found += [
        (EXAMPLES / "tfc_w1a1.onnx", pixels, True),
        (EXAMPLES / "tfc_w4a4.onnx", pixels, False),
    ]
    return found


@pytest.mark.parametrize(
    ("model", "config"),
    [
        pytest.param(
            path,
            config,
            id=f"{path.stem[-40:]}{'_integers' if config.input else ''}",
            marks=[] if quick else [pytest.mark.slow],
        )
        for path, config, quick in configurations()
    ],
)
def test_all_engines_agree(model: Path, config: Config, tmp_path: Path) -> None:
    if not model.exists():
        pytest.skip(f"{model.name} is among the shared models, which are not here")
    compiled = compile_model(model, config, check=True).write(tmp_path / "project", "all")
    for claim in verify_project(compiled, samples=100):
        assert claim.holds, f"{claim.name}: {claim.detail} {claim.notes}"
