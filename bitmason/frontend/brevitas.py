"""Import a Brevitas module by exporting it to QONNX first.

Invariant: torch and brevitas are imported inside the functions only, so the package works without.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from bitmason.diagnostics import fail
from bitmason.frontend.importer import Imported, import_model
from bitmason.ir.interp import run

_OPSET = 14
_CHECKED_INPUTS = 15
_ROUNDING = 1e-3  # of the largest output; a tie that falls otherwise may move single outputs more
_TOLERATED_SHARE = 0.25


def from_brevitas(module: Any, example_input: Any) -> Imported:
    """Import a trained Brevitas module.

    Args:
        module: a `torch.nn.Module` built from `brevitas.nn` layers; its mode is left as it is.
        example_input: a tensor of the shape of one input, with a leading batch axis of 1.

    Raises:
        CompileError: F017 when the export fails or Brevitas is missing, else as `import_model`.
    """
    with tempfile.TemporaryDirectory(prefix="bitmason-") as folder:
        path = Path(folder) / f"{type(module).__name__.lower()}.onnx"
        _export(module, example_input, path)
        imported = import_model(path)
    _check_export(module, example_input, imported)
    return imported


def _check_export(module: Any, example_input: Any, imported: Imported) -> None:
    """Compare the module itself with what was imported, on a few inputs.

    Brevitas 0.13 writes some quantisers wrongly and without a word: an unsigned one of 1 bit
    becomes a bipolar one. Rounding differs in few elements; a wrong export differs in most.
    """
    import torch

    was_training = module.training
    module.eval()
    reach = float(example_input.abs().max()) or 1.0
    noise = torch.randn(_CHECKED_INPUTS, *example_input.shape[1:]) * reach
    batch = torch.cat([example_input, noise.to(example_input.dtype)])
    try:
        with torch.no_grad():
            outputs = [module(frame[None]) for frame in batch]
    finally:
        module.train(was_training)
    wanted = np.concatenate([np.asarray(getattr(y, "value", y)) for y in outputs])
    graph = imported.graph
    (found, *_) = run(graph, {graph.inputs[0].name: batch.numpy().astype(np.float32)})
    if wanted.shape != found.shape or wanted.dtype.kind != "f" or found.dtype.kind != "f":
        return  # a label or another form of output: nothing that a distance could be taken of
    spread = float(np.abs(wanted).max()) or 1.0
    share = float(np.mean(np.abs(wanted - found) > _ROUNDING * spread))
    if share > _TOLERATED_SHARE:
        fail(
            "F017",
            f"the export computes something else than the module in {share:.0%} of its outputs",
            notes=["Brevitas exports unsigned quantisers of 1 bit as bipolar ones"],
            help="use a signed (bipolar) or a 2-bit activation quantiser",
        )


def _export(module: Any, example_input: Any, path: Path) -> None:
    try:
        from brevitas.export import export_qonnx
    except ImportError as error:
        fail(
            "F017",
            f"Brevitas cannot be imported: {error}",
            help="pip install 'bitmason[brevitas]'",
        )
    if not hasattr(module, "training"):
        found = f"this is of type {type(module).__name__!r}"
        fail("F017", f"a torch.nn.Module is needed, {found}")
    was_training = module.training
    module.eval()
    # Any layer of the user's module may raise anything.
    try:
        export_qonnx(
            module, args=example_input, export_path=str(path), dynamo=False, opset_version=_OPSET
        )
    except Exception as error:
        fail(
            "F017",
            f"Brevitas could not export this module: {type(error).__name__}",
            notes=str(error).splitlines()[:4],
            help="export it with brevitas.export.export_qonnx to see where it stops",
        )
    finally:
        module.train(was_training)
