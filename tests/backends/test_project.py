"""Writing a project: whole or not at all, and nothing of anybody else's is touched."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from bitmason.backends.project import MANIFEST, Project, write_project
from bitmason.diagnostics import CompileError


def _project(tag: str = "new", files: int = 12) -> Project:
    texts = {f"rtl/{index}.sv": f"{tag} {index}\n" for index in range(files)}
    return Project({MANIFEST: f'{{"bitmason": "{tag}"}}', "model.onnx": tag.encode(), **texts})


def _content(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _is_whole(folder: Path, tag: str = "new") -> bool:
    project = _project(tag)
    wanted = {k: v if isinstance(v, str) else v.decode() for k, v in project.files.items()}
    return _content(folder) == wanted


def _fault(folder: Path) -> str:
    with pytest.raises(CompileError) as caught:
        write_project(_project(), folder)
    (found,) = caught.value.diagnostics
    assert found.code == "C002"
    return found.message


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["p", "a b/ü/p", "n" * 255, "p\n", "-p", ".p"])
def test_new_folder(tmp_path: Path, name: str) -> None:
    write_project(_project(), tmp_path / name)
    assert _is_whole(tmp_path / name)
    assert _names((tmp_path / name).parent) == [(tmp_path / name).name]


def test_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    write_project(_project(), tmp_path / "p")
    assert _is_whole(tmp_path / "p")


def test_relative_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_project(_project(), Path("p"))
    assert _is_whole(tmp_path / "p")


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_project(_project(), tmp_path / "p")
    finally:
        os.umask(before)
    assert (tmp_path / "p").stat().st_mode & 0o777 == 0o750
    assert (tmp_path / "p" / MANIFEST).stat().st_mode & 0o777 == 0o640


def test_old_project_is_replaced_whole(tmp_path: Path) -> None:
    write_project(_project("old", files=20), tmp_path / "p")
    (tmp_path / "p" / "build").mkdir()
    (tmp_path / "p" / "build" / "simulator").touch()
    write_project(_project(), tmp_path / "p")
    assert _is_whole(tmp_path / "p")
    assert _names(tmp_path) == ["p"]


@pytest.mark.parametrize(
    "manifest",
    [None, "", "{", "[]", "3", '{"manifest_version": 3, "name": "x"}', "[" * 100_000, "\0" * 9],
)
def test_foreign_folder(tmp_path: Path, manifest: str | None) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    if manifest is not None:
        (folder / MANIFEST).write_text(manifest)
    before = _content(tmp_path)
    assert "exists and was not written by bitmason" in _fault(folder)
    assert _content(tmp_path) == before


def test_things_that_are_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    write_project(_project(), tmp_path / "there")
    (tmp_path / "link").symlink_to(tmp_path / "there")
    (tmp_path / "dangling").symlink_to(tmp_path / "absent")
    os.mkfifo(tmp_path / "pipe")
    before = _names(tmp_path)
    for name in ("file", "link", "dangling", "pipe"):
        assert "is a file or a link, not a folder" in _fault(tmp_path / name)
    assert _names(tmp_path) == before
    assert _is_whole(tmp_path / "there")


@pytest.mark.parametrize("name", ["file/p", "file/a/b", "n" * 256, "n" * 256 + "/p"])
def test_places_where_no_folder_can_be(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").write_text("x")
    assert "the output folder" in _fault(tmp_path / name)
    assert _names(tmp_path) == ["file"]


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")
def test_parent_that_may_not_be_written() -> None:
    assert "the output folder cannot be written" in _fault(Path("/proc/bitmason"))


@pytest.mark.parametrize("where", [".", "..", "rtl/.."])
def test_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    write_project(_project("old"), tmp_path / "p")
    monkeypatch.chdir(tmp_path / "p" / ("rtl" if where == ".." else ""))
    assert "is the current folder, or holds it" in _fault(Path(where))
    assert _is_whole(tmp_path / "p", "old")


def _full(after: int) -> Callable[[Path, bytes], int]:
    whole, count = Path.write_bytes, iter(range(after))

    def write(path: Path, data: bytes) -> int:
        if next(count, None) is None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return whole(path, data)

    return write


@pytest.mark.parametrize("after", [0, 1, 13])
@pytest.mark.parametrize("old", [False, True])
def test_full_disk(tmp_path: Path, after: int, old: bool) -> None:
    if old:
        write_project(_project("old"), tmp_path / "p")
    with mock.patch.object(Path, "write_bytes", _full(after)):
        shown = _fault(tmp_path / "p")
    assert shown.startswith("the output folder cannot be written: No space left on device: ")
    assert _names(tmp_path) == (["p"] if old else [])
    assert not old or _is_whole(tmp_path / "p", "old")


def test_a_rename_that_fails_keeps_the_old_project(tmp_path: Path) -> None:
    write_project(_project("old"), tmp_path / "p")
    whole = Path.rename

    def rename(path: Path, target: Path) -> Path:
        if path.name == "new":
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return whole(path, target)

    with mock.patch.object(Path, "rename", rename):
        assert "Input/output error" in _fault(tmp_path / "p")
    assert _names(tmp_path) == ["p"]
    assert _is_whole(tmp_path / "p", "old")


def _killed_at(step: str, folder: Path) -> None:
    """Write a project in a process that kills itself right after its first `step`."""
    code = f"""
import os, signal
from pathlib import Path
from bitmason.backends.project import Project, write_project
whole = Path.{step}
def then_die(*arguments, **options):
    whole(*arguments, **options)
    os.kill(os.getpid(), signal.SIGKILL)
Path.{step} = then_die
write_project(Project({{"{MANIFEST}": "x", "a": "b"}}), Path({str(folder)!r}))
"""
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == -9


@pytest.mark.parametrize("step", ["write_bytes", "rename"])
@pytest.mark.parametrize("old", [False, True])
def test_killed(tmp_path: Path, step: str, old: bool) -> None:
    if old:
        write_project(_project("old"), tmp_path / "p")
    _killed_at(step, tmp_path / "p")
    hidden = [name for name in _names(tmp_path) if name.startswith(".bitmason-")]
    assert len(hidden) == 1
    if step == "write_bytes":
        assert (tmp_path / "p").exists() == old
        assert not old or _is_whole(tmp_path / "p", "old")
    elif not old:
        assert set(_names(tmp_path / "p")) == {MANIFEST, "a"}
    if not old and step == "rename":
        (tmp_path / "p" / MANIFEST).write_text('{"bitmason": "x"}')
    write_project(_project(), tmp_path / "p")
    assert _names(tmp_path) == ["p"]
    assert _is_whole(tmp_path / "p")


def test_hidden_folders_of_others_are_left_alone(tmp_path: Path) -> None:
    mine, live = tmp_path / ".bitmason-staging-mine", tmp_path / ".bitmason-staging-live"
    mine.mkdir()
    (mine / "notes.txt").touch()
    (live / "new").mkdir(parents=True)
    (tmp_path / ".bitmason-staging-file").touch()
    (tmp_path / ".bitmason-staging-link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "new").mkdir(parents=True)
    before = _names(tmp_path)
    handle = os.open(live, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    write_project(_project(), tmp_path / "p")
    assert _names(tmp_path) == sorted([*before, "p"])
    os.close(handle)
    write_project(_project(), tmp_path / "p")
    assert _names(tmp_path) == sorted({*before, "p"} - {live.name})


def test_file_systems_without_locks(tmp_path: Path) -> None:
    stale = tmp_path / ".bitmason-staging-stale"
    stale.mkdir()
    with mock.patch("fcntl.flock", side_effect=OSError(errno.ENOLCK, "No locks available")):
        write_project(_project(), tmp_path / "p")
    assert _is_whole(tmp_path / "p")
    assert stale.exists()


def test_several_at_once_end_with_one_whole_project(tmp_path: Path) -> None:
    tags = [f"writer{index}" for index in range(4)]
    faults: list[BaseException] = []

    def write(tag: str) -> None:
        try:
            for _ in range(12):
                write_project(_project(tag), tmp_path / "p")
        except BaseException as error:  # shown by the test's own thread
            faults.append(error)

    threads: list[Any] = [threading.Thread(target=write, args=(tag,)) for tag in tags]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert _names(tmp_path) == ["p"]
    assert any(_is_whole(tmp_path / "p", tag) for tag in tags)


def test_another_project_that_comes_in_between_is_replaced(tmp_path: Path) -> None:
    whole, competitors = Path.rename, iter(["first", "second"])

    def rename(path: Path, target: Path) -> Path:
        tag = next(competitors, None) if path.name == "new" else None
        if tag is not None:
            target.mkdir()
            (target / MANIFEST).write_text(f'{{"bitmason": "{tag}"}}')
        return whole(path, target)

    with mock.patch.object(Path, "rename", rename):
        write_project(_project(), tmp_path / "p")
    assert _names(tmp_path) == ["p"]
    assert _is_whole(tmp_path / "p")


def test_a_project_that_is_replaced_while_it_is_checked_is_no_foreign_folder(
    tmp_path: Path,
) -> None:
    write_project(_project("old"), tmp_path / "p")
    whole, once = Path.read_bytes, iter([True])

    def read_bytes(path: Path) -> bytes:
        if path.name == MANIFEST and next(once, False):
            (tmp_path / "p").rename(tmp_path / "moved")
            write_project(_project("other"), tmp_path / "p")
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
        return whole(path)

    with mock.patch.object(Path, "read_bytes", read_bytes):
        write_project(_project(), tmp_path / "p")
    assert _is_whole(tmp_path / "p")


@pytest.mark.parametrize("path", ["../x", "/x", "a/../../x", ""])
def test_a_project_holds_no_path_outside(path: str) -> None:
    with pytest.raises(AssertionError):
        Project({path: "x"})
