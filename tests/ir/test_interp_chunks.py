"""The interpreter takes as many frames at once as the largest tensor of the graph allows."""

import numpy as np
import pytest

from bitmason.ir import Int, Real, interp
from bitmason.ir.types import Array
from tests.ir.passes.networks import Sketch


@pytest.mark.parametrize(("limit", "expected"), [(1, 1), (4 * 4 * 8 * 4 * 3, 3), (2**30, 7)])
def test_frames_at_once(monkeypatch: pytest.MonkeyPatch, limit: int, expected: int) -> None:
    net = Sketch()
    x = net.input(Real(), 6, 6, 2)
    graph = net.finish(net.conv(net.quantise(x, Int(4)), 8, (3, 3)))
    frames: Array = np.random.default_rng(0).normal(0, 4, (7, 6, 6, 2))
    (wanted,) = interp.run(graph, {"x": frames})
    seen: list[int] = []

    def watched(*arguments: object, **options: object) -> dict[str, Array]:
        seen.append(len(arguments[1]["x"]))  # type: ignore[index]
        return run_all(*arguments, **options)  # type: ignore[arg-type]

    run_all = interp.run_all
    monkeypatch.setattr(interp, "run_all", watched)
    monkeypatch.setattr(interp, "_CHUNK_BYTES", limit)
    (got,) = interp.run(graph, {"x": frames})
    np.testing.assert_array_equal(got, wanted)
    assert max(seen) == expected
    assert sum(seen) == 7
