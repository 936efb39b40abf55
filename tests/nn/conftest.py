"""Training needs PyTorch and Brevitas; where they are not installed, its tests are skipped."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture(scope="session")
def torch() -> Any:
    pytest.importorskip("brevitas", reason="brevitas is not installed")
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    return torch


@pytest.fixture(scope="session")
def nn(torch: Any) -> Any:
    """The package under test."""
    import bitmason.nn

    return bitmason.nn
