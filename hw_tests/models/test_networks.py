"""Every network at hand: executor == golden == RTL on 100 inputs, with and without stalls."""

from pathlib import Path

import pytest

from bitmason.config import Config, make_config
from bitmason.diagnostics import Loc
from bitmason.pipeline import compile_model
from bitmason.verification import verify_project

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples" / "models"
SHARED = ROOT.parent / "shared" / "models"
# qkeras: qdense feed raw floats to the first product, so the input's type must be declared.
RAW_INPUT = {"input": {"type": "int8", "scale": 0.0625}}


def configurations() -> list[tuple[Path, Config, bool]]:
    """Return the networks, how to compile each, and whether it is quick enough for every run."""
    def plain(path: Path, quick: bool) -> tuple[Path, Config, bool]:
        return path, Config(), quick

    found = [plain(path, quick=True) for path in sorted(EXAMPLES.glob("*.onnx"))]
    found += [plain(p, quick=p.name == "tfc_w2a2.qcdq-ts.onnx") for p in sorted((SHARED / "own").glob("tfc_*.onnx"))]
    found += [plain(p, quick="2W2A" in p.name) for p in sorted((SHARED / "zoo_tfc").glob("*.onnx"))]
    found += [plain(SHARED / "bench" / f"{n}.onnx", quick=n == "jet") for n in ("jet", "tfc_w1a1", "tfc_w2a2")]
    for path in sorted((SHARED / "qkeras").glob("model_test_qkeras_q*.onnx")):
        if "qdense2" in path.name or "qactivation" in path.name:
            found.append(plain(path, quick="qdense2_12" in path.name or "qactivation_16" in path.name))
        elif "qdense" in path.name:
            config = make_config(RAW_INPUT, Loc("raw"))
            found.append((path, config, "qdense_12" in path.name))
    return found


@pytest.mark.parametrize(
    ("model", "config"),
    [
        pytest.param(path, config, id=path.stem[-40:], marks=[] if quick else [pytest.mark.slow])
        for path, config, quick in configurations()
    ],
)
def test_executor_golden_and_rtl_agree(model: Path, config: Config, tmp_path: Path) -> None:
    if not model.exists():
        pytest.skip(f"{model.name} is among the shared models, which are not here")
    compiled = compile_model(model, config, check=True).write(tmp_path / "project")
    for claim in verify_project(compiled, samples=100):
        assert claim.holds, f"{claim.name}: {claim.detail} {claim.notes}"
