"""Arrays on disk: .npy files in, .npy files out, whole or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from io import BufferedReader, BytesIO
from pathlib import Path

import numpy as np

from bitmason.diagnostics import Loc, fail, quote
from bitmason.files import write_whole
from bitmason.ir.types import Array

_NPY, _ZIP = b"\x93NUMPY", b"PK"


def read_array(path: Path) -> Array:
    """Return the array of a .npy file.

    Raises:
        CompileError: S002 when the file is missing, damaged, or would run code when read.
    """
    try:
        if path.exists() and not path.is_file():
            fail("S002", "the inputs are a folder, a pipe or a device, not a file", loc=_loc(path))
        with path.open("rb") as file:
            return _read(file, _loc(path))
    except OSError as error:
        fail("S002", f"the inputs cannot be read: {_reason(error)}", loc=_loc(path))


def _read(file: BufferedReader, loc: Loc) -> Array:
    magic = file.peek(len(_NPY))
    if magic.startswith(_ZIP):
        fail("S002", "an .npz archive, expected a single .npy array", loc=loc)
    if not magic.startswith(_NPY):
        fail("S002", "the file is empty or not a .npy file", loc=loc)
    try:
        return np.asarray(np.lib.format.read_array(file, allow_pickle=False))
    except OSError:
        raise
    except Exception as error:  # numpy evaluates the header as Python: whatever it stops with
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        fail("S002", f"not a .npy file of numbers: {reason}", loc=loc)


def check_outputs(path: Path) -> None:
    """Check that outputs can go to `path`, before the work that makes them.

    Raises:
        CompileError: C002 when `path` is a folder, or its own folder does not exist.
    """
    try:
        if path.is_dir():
            fail("C002", "outputs cannot be written: it is a folder", loc=_loc(path))
        if not path.parent.is_dir():
            parent = quote(str(path.parent), 200)
            fail("C002", f"outputs cannot be written: there is no folder {parent}", loc=_loc(path))
    except OSError as error:
        fail("C002", f"outputs cannot be written: {_reason(error)}", loc=_loc(path))


def write_outputs(path: Path, outputs: Sequence[Array]) -> list[Path]:
    """Write the first output to `path`, further ones beside it as NAME.1.npy, NAME.2.npy.

    Raises:
        CompileError: C002 when a file cannot be written.
    """
    check_outputs(path)
    paths = [path, *(path.with_suffix(f".{i}{path.suffix}") for i in range(1, len(outputs)))]
    for target, array in zip(paths, outputs, strict=True):
        buffer = BytesIO()
        np.save(buffer, array)
        write_whole(target, buffer.getvalue(), "outputs")
    return paths


def _loc(path: Path) -> Loc:
    return Loc(quote(str(path), 200)[1:-1])


def _reason(error: OSError) -> str:
    text = error.strerror or "the file is damaged"
    return f"{text[0].lower()}{text[1:]}"
