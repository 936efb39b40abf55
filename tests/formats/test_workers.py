"""Processes and folders of a search, and how they end."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bitmason.diagnostics import CompileError
from bitmason.formats.cache import Results
from bitmason.formats.work import work_folder
from bitmason.formats.workers import Workers
from bitmason.ir.custom_float import CustomFloat
from tests.formats.networks import labelled, plan_of

HOLDS = """
import sys, time
from pathlib import Path
from bitmason.formats.work import work_folder
with work_folder(Path(sys.argv[1])) as folder:
    (folder / "0.npy").touch()
    print("made", flush=True)
    time.sleep(60)
"""


def deaf(process: int) -> bool:
    """Return whether a process blocks or ignores Ctrl-C."""
    status = Path(f"/proc/{process}/status").read_text()
    masks = [line.split()[1] for line in status.splitlines() if line[:6] in {"SigBlk", "SigIgn"}]
    return any(int(mask, 16) >> (signal.SIGINT - 1) & 1 for mask in masks)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_processes_are_deaf_to_ctrl_c_from_the_first_moment_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []
    submit: Callable[..., Future[Any]] = ProcessPoolExecutor.submit

    def watched(self: ProcessPoolExecutor, *given: Any) -> Future[Any]:
        known = {child.pid for child in multiprocessing.active_children()}
        future = submit(self, *given)
        fresh = {child.pid for child in multiprocessing.active_children()} - known
        seen.extend(deaf(pid) for pid in fresh if pid is not None)
        return future

    monkeypatch.setattr(ProcessPoolExecutor, "submit", watched)
    plan = plan_of(labelled())
    rest = (None,) * (len(plan.network.sites) - 1)
    with Workers(plan, Results(None, ""), tmp_path, 2) as workers:
        workers.scores([(CustomFloat(3, m_bits, 3), *rest) for m_bits in range(3)])
    assert seen == [True, True]
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_the_next_search_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"made\n"
        (left,) = (path for path in tmp_path.iterdir() if path.is_dir())
        with work_folder(tmp_path) as mine:
            assert left.is_dir()  # its search runs
            assert mine.is_dir()
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
    assert (left / "0.npy").exists()
    with work_folder(tmp_path) as mine:
        assert [path for path in tmp_path.iterdir() if path.is_dir()] == [mine]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(CompileError) as error, work_folder(tmp_path / "none"):
        raise AssertionError
    assert [found.code for found in error.value.diagnostics] == ["C002"]
