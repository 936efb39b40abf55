"""Import a Brevitas module by exporting it to QONNX first.

Invariant: torch and brevitas are imported inside the functions only, so the package works without.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from bitmason.diagnostics import fail
from bitmason.frontend.importer import Imported, import_model

_OPSET = 14


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
        return import_model(path)


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
