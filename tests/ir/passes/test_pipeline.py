"""The whole pipeline on random convolutional networks: every pass keeps every bit."""

from collections.abc import Iterator

import pytest
from hypothesis import given, settings

from bitmason.diagnostics import CompileError
from bitmason.ir import Graph, Node, Real, verify
from bitmason.ir.ops.conv import Conv
from bitmason.ir.ops.pooling import MaxPool, SumPool
from bitmason.ir.ops.shape import Transpose
from bitmason.ir.passes.pipelines import LOWER, run_passes
from tests.ir.passes.networks import conv_networks


def lowered(graph: Graph) -> Graph | None:
    """Return the lowered graph, checked after each pass; None where it must be refused."""
    verify(graph)
    try:
        return run_passes(graph, LOWER, check=True)
    except CompileError as error:
        if {found.code for found in error.diagnostics} <= {"P006"}:
            return None
        raise


def integer_nodes(graph: Graph) -> Iterator[Node]:
    return (node for node in graph.nodes if not isinstance(node.type.elem, Real))


@settings(max_examples=150)
@given(conv_networks())
def test_keeps_every_bit(graph: Graph) -> None:
    made = lowered(graph)
    if made is not None:
        assert not any(isinstance(node.op, Conv | SumPool) for node in made.nodes)
        assert not any(isinstance(node.op, MaxPool) for node in integer_nodes(made))


@settings(max_examples=100)
@given(conv_networks())
def test_leaves_permutations_to_the_host_alone(graph: Graph) -> None:
    made = lowered(graph)
    for node in integer_nodes(made) if made is not None else ():
        if isinstance(node.op, Transpose):
            assert made is not None
            below = made.downstream(node.name) - {node.name}
            moved = {n.name for n in integer_nodes(made) if n.op.name in {"transpose", "reshape"}}
            real = {n.name for n in made.nodes if isinstance(n.type.elem, Real)}
            behind = {name for value in real for name in made.downstream(value)}
            assert below <= moved | real | behind


@settings(max_examples=60)
@given(conv_networks())
def test_is_stable(graph: Graph) -> None:
    made = lowered(graph)
    if made is not None:
        assert run_passes(made, LOWER) == made


@pytest.mark.slow
@settings(max_examples=4000)
@given(conv_networks(max_layers=9))
def test_keeps_every_bit_at_length(graph: Graph) -> None:
    lowered(graph)
