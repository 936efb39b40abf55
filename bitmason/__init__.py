"""bitmason: compile low-bit neural networks to verified FPGA dataflow hardware, exactly.

    design = bitmason.compile("tfc.onnx", max_cycles=64)
    design.simulate(images).output
    design.write("tfc")

Invariant: importing this package loads neither PyTorch nor any other heavy library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bitmason.diagnostics import CompileError, Diagnostic
from bitmason.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from bitmason.pipeline import Compiled

__all__ = ["CompileError", "Diagnostic", "__version__", "compile", "from_brevitas", "load"]


def compile(
    model: Path | str | bytes, config: Path | str | None = None, **options: Any
) -> Compiled:
    """Compile a QONNX or QCDQ model.

    Args:
        model: the file, or its bytes.
        config: a TOML file.
        options: keys of the configuration, which override the file: `max_cycles=64`, ...

    Raises:
        CompileError: the model or the configuration is at fault; `.diagnostics` says how.
    """
    from pathlib import Path

    from bitmason.config import load_config
    from bitmason.pipeline import compile_model

    settings = load_config(None if config is None else Path(config), options)
    return compile_model(model, settings, name="model.onnx" if isinstance(model, bytes) else None)


def from_brevitas(module: Any, example_input: Any, **options: Any) -> Compiled:
    """Compile a Brevitas module; needs the extra `bitmason[brevitas]`.

    Args:
        module: a trained or calibrated `torch.nn.Module`.
        example_input: a tensor of the input's shape, batch 1.
        options: keys of the configuration.

    Raises:
        CompileError: the module cannot be exported or compiled.
    """
    from bitmason.config import load_config
    from bitmason.frontend import from_brevitas as imported_from
    from bitmason.pipeline import compile_imported

    return compile_imported(imported_from(module, example_input), load_config(None, options))


def load(folder: Path | str) -> Compiled:
    """Read back a project that `Compiled.write` or `bitmason compile` wrote.

    Raises:
        CompileError: the folder is not a whole project.
    """
    from bitmason.pipeline import load_project

    return load_project(folder)
