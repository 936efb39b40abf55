"""Files written whole or not at all."""

from __future__ import annotations

import secrets
from pathlib import Path

from bitmason.diagnostics import Loc, fail, quote


def write_whole(path: Path, content: bytes, what: str = "the file") -> None:
    """Write a file, `what` in messages; what stood there stays until the new one is whole.

    Raises:
        CompileError: C002 when it cannot be written.
    """
    try:
        _write(path, content)
    except OSError as error:
        reason = error.strerror or "the file is damaged"
        message = f"{what} cannot be written: {reason[0].lower()}{reason[1:]}"
        fail("C002", message, loc=Loc(quote(str(path), 200)[1:-1]))


def _write(path: Path, content: bytes) -> None:
    path = path.resolve()  # a link stays a link
    if path.exists() and not path.is_file():  # a pipe or a device must not be replaced
        path.write_bytes(content)
        return
    staging = path.with_name(f".bitmason-{secrets.token_hex(8)}")
    try:
        with staging.open("xb") as file:
            file.write(content)
        staging.replace(path)
    finally:
        staging.unlink(missing_ok=True)
