"""A project: the files of a compiled network, in memory, written to disk once and whole.

Invariant: a folder appears complete or not at all; a killed process leaves nothing half-written
under the project's name, and what it leaves beside it the next compilation removes.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bitmason.diagnostics import fail, quote

MANIFEST = "manifest.json"
_STAGING = ".bitmason-staging-"
_NEW, _OLD = "new", "old"
_MAX_MANIFEST_BYTES = 1 << 20
_ATTEMPTS = 100


@dataclass(frozen=True)
class Project:
    """Paths relative to the project's folder, and what stands in each file."""

    files: Mapping[str, str | bytes]

    def __post_init__(self) -> None:
        for path in self.files:
            parts = PurePosixPath(path).parts
            inside = parts and ".." not in parts and not path.startswith("/")
            assert inside, path


def write_project(project: Project, folder: Path) -> None:
    """Write `project` to `folder`, replacing a bitmason project that stands there.

    The files go to a hidden folder beside it; when all are there, it takes the project's name.

    Raises:
        CompileError: C002 when `folder` is something else, or cannot be written.
    """
    folder = folder.absolute()
    check_replaceable(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(folder.parent)
        with _staging(folder.parent) as staging:
            for path, content in project.files.items():
                target = staging / _NEW / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(content.encode() if isinstance(content, str) else content)
            _swap(staging, folder)
    except OSError as error:
        place = f": {quote(str(error.filename), 200)}" if error.filename else ""
        fail(
            "C002",
            f"the output folder cannot be written: {error.strerror or error}{place}",
            help="choose a folder that you may write to",
        )


def check_replaceable(folder: Path) -> None:
    """Check that `folder` is free, empty, or a project, so that it may be written or replaced.

    Raises:
        CompileError: C002 when it is something else.
    """
    shown = quote(str(folder), 200)
    try:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            fail("C002", f"the output path {shown} is a file or a link, not a folder")
        if folder.exists() and _current_folder().is_relative_to(folder.resolve()):
            fail(
                "C002",
                "the output folder is the current folder, or holds it",
                help="give a folder of its own, such as -o ./network",
            )
        foreign = _is_foreign(folder)
    except OSError as error:
        fail("C002", f"the output folder {shown} cannot be used: {error.strerror or error}")
    if foreign:
        fail(
            "C002",
            f"the output folder {shown} exists and was not written by bitmason",
            help="choose another folder, or remove that one first",
        )


def _current_folder() -> Path:
    try:
        return Path.cwd()
    except FileNotFoundError:  # removed while we stand in it
        return Path(os.devnull)


def _is_foreign(folder: Path) -> bool:
    """Tell whether `folder` holds anything but a project.

    Another compilation may replace it at this moment: then look again.
    """
    for _ in range(_ATTEMPTS):
        before = _inode(folder)
        with suppress(FileNotFoundError):
            foreign = before is not None and any(folder.iterdir()) and not _is_project(folder)
            if _inode(folder) == before:
                return foreign
    return True


def _inode(folder: Path) -> int | None:
    try:
        return folder.stat().st_ino
    except (FileNotFoundError, NotADirectoryError):
        return None


def _is_project(folder: Path) -> bool:
    """Tell whether the manifest is one of ours: browser extensions and web pages have one too."""
    path = folder / MANIFEST
    try:
        if path.stat().st_size > _MAX_MANIFEST_BYTES:
            return False
        manifest = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and "bitmason" in manifest


@contextmanager
def _staging(parent: Path) -> Iterator[Path]:
    """Make a hidden folder in `parent`, locked while this process lives, and remove it after."""
    for _ in range(_ATTEMPTS):
        staging = Path(tempfile.mkdtemp(prefix=_STAGING, dir=parent))
        with _opened(staging) as handle:
            held = handle is not None and _lock(handle, unsupported=True)
            if not held or not staging.exists():  # taken for an abandoned one already
                continue
            try:
                yield staging
            finally:
                shutil.rmtree(staging, ignore_errors=True)
            return
    raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def _remove_abandoned(parent: Path) -> None:
    """Remove the hidden folders of killed processes: those whose lock nobody holds."""
    for folder in parent.glob(f"{_STAGING}*"):
        with suppress(OSError), _opened(folder) as handle:
            ours = {entry.name for entry in folder.iterdir()} <= {_NEW, _OLD}
            if ours and handle is not None and _lock(handle, unsupported=False):
                shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _opened(folder: Path) -> Iterator[int | None]:
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield None
        return
    try:
        yield handle
    finally:
        os.close(handle)


def _lock(handle: int, *, unsupported: bool) -> bool:
    """Lock an open folder; the answer is `unsupported` on file systems that have no locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return unsupported
    return True


def _swap(staging: Path, folder: Path) -> None:
    """Give `folder` the new content; a reader finds the old, for an instant none, or the new one.

    Of several compilations at once the last one stays.
    """
    new, old = staging / _NEW, staging / _OLD
    for _ in range(_ATTEMPTS):
        check_replaceable(folder)
        with suppress(FileNotFoundError):
            folder.rename(old)
        try:
            new.rename(folder)
        except OSError as error:
            if error.errno in {errno.ENOTEMPTY, errno.EEXIST}:  # another's came in between
                shutil.rmtree(old, ignore_errors=True)
                continue
            if old.exists():
                old.rename(folder)
            raise
        return
    raise OSError(errno.EBUSY, os.strerror(errno.EBUSY))
