"""What the tests of passes share: equal bits before and after, and a graph at a glance."""

from __future__ import annotations

import numpy as np
import pytest

from bitmason.diagnostics import CompileError
from bitmason.ir import Graph, Node, verify
from bitmason.ir.interp import run
from bitmason.ir.rewrite import Pass
from tests.ir.strategies import random_feeds


def applied(step: Pass, graph: Graph) -> Graph:
    """Return what `step` makes of `graph`: well-formed, of the same meaning, and final."""
    verify(graph)
    made = step.run(graph)
    verify(made)
    feeds = random_feeds(graph, 24, seed=1)
    for before, after in zip(run(graph, feeds), run(made, feeds), strict=True):
        np.testing.assert_array_equal(before, after)
    assert step.run(made) is made
    return made


def listed(graph: Graph) -> list[str]:
    """Return name and operation of every node."""
    return [f"{node.name} = {node.op.name}" for node in graph.nodes]


def made_by(graph: Graph, name: str) -> Node:
    """Return the node called `name`."""
    node = graph.producer(name)
    assert node is not None
    return node


def refusal(step: Pass, graph: Graph) -> list[str]:
    """Return the diagnostic with which `step` refuses `graph`: code and message, place, notes."""
    with pytest.raises(CompileError) as caught:
        step.run(graph)
    (found,) = caught.value.diagnostics
    return [f"{found.code}: {found.message}", str(found.loc), *found.notes]
