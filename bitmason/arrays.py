"""Arrays on disk: .npy files in, .npy files out, whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bitmason.diagnostics import Loc, fail
from bitmason.ir.types import Array


def read_array(path: Path) -> Array:
    """Return the array of a .npy file.

    Raises:
        CompileError: S002 when the file is missing, damaged, or would run code when read.
    """
    try:
        loaded = np.load(path, allow_pickle=False)
    except OSError as error:
        fail("S002", f"{error.strerror or 'not a .npy file'}", loc=Loc(path.name))
    except (ValueError, EOFError) as error:
        fail("S002", f"not a .npy file of numbers: {error}".splitlines()[0], loc=Loc(path.name))
    if not isinstance(loaded, np.ndarray):
        fail("S002", "an .npz archive, expected a single .npy array", loc=Loc(path.name))
    return loaded


def write_outputs(path: Path, outputs: Sequence[Array]) -> list[Path]:
    """Write the first output to `path`, further ones beside it as NAME.1.npy, NAME.2.npy.

    Raises:
        CompileError: C002 when a file cannot be written.
    """
    paths = [path, *(path.with_suffix(f".{i}{path.suffix}") for i in range(1, len(outputs)))]
    try:
        for target, array in zip(paths, outputs, strict=True):
            _write(target, array)
    except OSError as error:
        fail("C002", f"outputs cannot be written: {error.strerror}", loc=Loc(path.name))
    return paths


def _write(path: Path, array: Array) -> None:
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    staging = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            np.save(file, array)
        staging.chmod(0o644)
        staging.replace(path)
    finally:
        staging.unlink(missing_ok=True)
