"""Run the command line: in this process where that shows the same, else as its own process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from bitmason import cli
from bitmason.ir.types import Array
from hw_tests.bench.networks import Dense, Network, Quantiser, make_model

INPUTS, OUTPUTS = 6, 3
NETWORK = Network(
    INPUTS,
    Quantiser(3, log2_scale=-2),
    (
        Dense(4, Quantiser(2), Quantiser(2, signed=False), function="Relu", norm=True),
        Dense(OUTPUTS, Quantiser(3), bias=True),
    ),
)
BIPOLAR = Network(INPUTS, Quantiser(1), (Dense(OUTPUTS, Quantiser(1)),))


@dataclass(frozen=True)
class Outcome:
    """What a command left: its exit status and what it printed."""

    status: int
    out: str
    err: str

    @property
    def codes(self) -> list[str]:
        """The diagnostic codes on stderr, which `--json` printed."""
        return [json.loads(line)["code"] for line in self.err.splitlines()]


def run(*arguments: str | Path) -> Outcome:
    """Run `bitmason` in this process."""
    out, err, status = StringIO(), StringIO(), 0
    argv = ["bitmason", *map(str, arguments)]
    with mock.patch.object(sys, "argv", argv), redirect_stdout(out), redirect_stderr(err):
        try:
            cli.main()
        except SystemExit as left:
            status = int(left.code or 0)
    return Outcome(status, out.getvalue(), err.getvalue())


def refused(*arguments: str | Path) -> str:
    """Run a command that must find the user's input at fault; return its diagnostics."""
    outcome = run(*arguments)
    assert outcome.status == 1, outcome
    assert outcome.out == ""
    assert "Traceback" not in outcome.err
    assert "error[" in outcome.err
    return outcome.err


def shell(
    *arguments: str | Path | bytes, env: dict[str, str] | None = None, **options: Any
) -> Outcome:
    """Run `bitmason` as a process of its own."""
    command: list[Any] = [sys.executable, "-m", "bitmason.cli", *arguments]
    streams: dict[str, Any] = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "stdin": subprocess.DEVNULL,
    }
    environment = os.environ | (env or {})
    done: subprocess.CompletedProcess[bytes] = subprocess.run(
        command, check=False, env=environment, **(streams | options)
    )
    out, err = ((text or b"").decode(errors="replace") for text in (done.stdout, done.stderr))
    return Outcome(done.returncode, out, err)


def write_model(path: Path, network: Network = NETWORK) -> Path:
    path.write_bytes(make_model(network))
    return path


def batch(frames: int = 5, shape: Sequence[int] = (INPUTS,), seed: int = 0) -> Array:
    """Return float32 inputs."""
    x = np.random.default_rng(seed).normal(0, 1, (frames, *shape))
    return np.asarray(x, dtype=np.float32)


def save(path: Path, array: Array) -> Path:
    np.save(path, array)
    return path


def hidden(folder: Path) -> list[str]:
    """Return what a command left behind under a hidden name."""
    return [entry.name for entry in folder.iterdir() if entry.name.startswith(".")]
