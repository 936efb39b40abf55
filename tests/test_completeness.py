"""Every op has everything that an op must have; adding a file to `ir/ops` is what asks for it."""

from __future__ import annotations

import dataclasses
import inspect
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bitmason.ir import Op, parse_graph, print_graph
from bitmason.ir.graph import OPS
from tests.ir.strategies import MAKERS, graphs

TESTS = Path(__file__).parent
ALL_OPS = pytest.mark.parametrize("op", OPS.values(), ids=list(OPS))


@ALL_OPS
def test_op_is_a_frozen_dataclass(op: type[Op]) -> None:
    assert dataclasses.is_dataclass(op)
    assert op.__dataclass_params__.frozen


@ALL_OPS
def test_op_says_what_it_means(op: type[Op]) -> None:
    # A dataclass without a docstring is given its signature as one.
    written = op.__doc__ or ""
    assert written
    assert not written.startswith(f"{op.__name__}(")
    assert written.splitlines()[0].endswith((".", ":", "?")) or len(written.splitlines()) > 1


@ALL_OPS
def test_op_is_called_by_its_class(op: type[Op]) -> None:
    assert op.name.replace("_", "") == op.__name__.lower()


@ALL_OPS
def test_op_defines_its_own_meaning(op: type[Op]) -> None:
    assert not inspect.isabstract(op)
    assert "evaluate" in vars(op)
    assert "infer" in vars(op)


@ALL_OPS
def test_op_has_a_test_file(op: type[Op]) -> None:
    folder = TESTS / "ir" / "ops"
    stems = {op.__module__.rpartition(".")[2], op.name}
    files = [folder / f"test_{stem}.py" for stem in sorted(stems)]
    texts = [file.read_text(encoding="utf-8") for file in files if file.exists()]
    assert any(f"{op.__name__}(" in text for text in texts), f"none of {files} tests {op.__name__}"


def test_every_op_can_be_part_of_a_random_graph() -> None:
    assert set(MAKERS) == set(OPS)


@ALL_OPS
@settings(max_examples=3)
@given(data=st.data())
def test_op_survives_text(op: type[Op], data: st.DataObject) -> None:
    graph = data.draw(graphs(must=op.name, max_nodes=1))
    assert any(isinstance(node.op, op) for node in graph.nodes)
    assert parse_graph(print_graph(graph)) == graph
