"""The folder of a search's recordings: gone when the search ends, however it ends.

Invariant: a folder has a lock file beside it, which its search holds as long as it runs; the system
frees the lock of a process that was killed, and the next search there removes what it has left.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir

from bitmason.diagnostics import Loc, fail, quote

_OTHER = "name a folder that can be written with --cache"
_PREFIX, _LOCK = ".work-bitmason-", ".lock"


@contextmanager
def work_folder(place: Path | None) -> Iterator[Path]:
    """Make a folder below `place`, an existing folder or None for the system's, for as long.

    Raises:
        CompileError: C002 when it cannot be made.
    """
    place = Path(gettempdir()) if place is None else place
    _remove_abandoned(place)
    folder = place / f"{_PREFIX}{secrets.token_hex(8)}"
    lock = folder.with_name(folder.name + _LOCK)
    try:
        held = _held(lock)
        folder.mkdir(mode=0o700)
    except OSError as error:
        with suppress(OSError):
            lock.unlink()
        reason = (error.strerror or "it is damaged").lower()
        loc = Loc(quote(str(place), 200)[1:-1])
        fail("C002", f"a search cannot work there: {reason}", loc=loc, help=_OTHER)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.unlink(missing_ok=True)
        os.close(held)


def _held(lock: Path) -> int:
    """Make a lock file and hold its lock until what is returned is closed."""
    file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _remove_abandoned(place: Path) -> None:
    """Remove the folders of searches that were killed; what is another user's stays."""
    for lock in place.glob(f"{_PREFIX}*{_LOCK}"):
        with suppress(OSError):
            file = os.open(lock, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink(missing_ok=True)
            finally:
                os.close(file)
