"""A project: the files of a compiled network, in memory, written to disk once and whole.

Invariant: a folder appears complete or not at all; a killed process leaves nothing half-written.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from bitmason.diagnostics import fail

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Project:
    """Paths relative to the project's folder, and what stands in each file."""

    files: Mapping[str, str | bytes]

    def __post_init__(self) -> None:
        for path in self.files:
            parts = PurePosixPath(path).parts
            assert parts and ".." not in parts and not path.startswith("/"), path


def write_project(project: Project, folder: Path) -> None:
    """Write `project` to `folder`, replacing a bitmason project that stands there.

    The files go to a new folder beside it, which takes its name by a rename when it is complete.

    Raises:
        CompileError: C002 when `folder` is something else, or cannot be written.
    """
    _check_replaceable(folder)
    staging: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
        for path, content in project.files.items():
            target = staging / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        staging.chmod(0o755)
        _swap(staging, folder)
    except OSError as error:
        fail(
            "C002",
            f"the output folder cannot be written: {error.strerror or error}",
            help="choose a folder that you may write to",
        )
    finally:
        if staging is not None:
            shutil.rmtree(staging, ignore_errors=True)


def _check_replaceable(folder: Path) -> None:
    with suppress(PermissionError):
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            fail("C002", "the output path is a file or a link, not a folder")
        if folder.is_dir() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
            fail(
                "C002",
                "the output folder exists and was not written by bitmason",
                help="choose another folder, or remove that one first",
            )


def _swap(staging: Path, folder: Path) -> None:
    if not folder.exists():
        staging.rename(folder)
        return
    # Two renames: a reader finds the old project, for an instant none, or the new one.
    old = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    folder.rename(old / "old")
    staging.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
