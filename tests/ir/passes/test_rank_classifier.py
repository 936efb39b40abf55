"""Labels are chosen among integers, one for each pixel where logits are an image."""

from fractions import Fraction

import pytest

from bitmason.ir import Bipolar, Graph, Int, Op, UInt
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.ops.classifier import Softmax
from bitmason.ir.ops.quantise import Dequantise
from bitmason.ir.ops.shape import Reshape, Transpose
from bitmason.ir.passes.rank_classifier import RankClassifier
from tests.ir.passes.checks import applied, listed, made_by
from tests.ir.passes.networks import Sketch


def classifier(shape: tuple[int, ...], *between: Op, per_channel: bool = True) -> Graph:
    net = Sketch(seed=5)
    x = net.input(Int(5), *shape)
    if per_channel:
        x = net.norm(net.dequantise(x))
    else:
        x = net.add(Dequantise((Fraction(1, 3),), (Fraction(2),)), x)
    for op in between:
        x = net.add(op, x)
    return net.finish(net.add(ArgMax(), x, name="label"))


@pytest.mark.parametrize("shape", [(7,), (1, 1, 7), (3, 4, 7)])
def test_ranks_every_pixel(shape: tuple[int, ...]) -> None:
    made = applied(RankClassifier(), classifier(shape))
    assert listed(made) == ["label_rank = lookup", "label = arg_max"]
    assert made_by(made, "label").type.shape == (*shape[:-1], 1)


@pytest.mark.parametrize("shape", [(7,), (3, 4, 7)])
def test_one_scale_needs_no_ranks(shape: tuple[int, ...]) -> None:
    made = applied(RankClassifier(), classifier(shape, per_channel=False))
    assert listed(made) == ["label = arg_max"]


def test_softmax_keeps_the_order() -> None:
    made = RankClassifier().run(classifier((3, 4, 7), Softmax()))
    assert listed(made) == ["label_rank = lookup", "label = arg_max"]


@pytest.mark.parametrize(
    ("shape", "between", "behind"),
    [
        ((1, 1, 7), (Reshape((7,)),), "reshape"),
        ((3, 4, 7), (Reshape((12, 7)), Softmax()), "reshape"),
        ((3, 4, 7), (Transpose((1, 0, 2)),), "reorder"),
        ((3, 1, 7), (Transpose((1, 0, 2)), Reshape((3, 7))), "reshape"),
    ],
)
def test_moves_of_whole_vectors_come_later(
    shape: tuple[int, ...], between: tuple[Op, ...], behind: str
) -> None:
    made = applied(RankClassifier(), classifier(shape, *between))
    assert [node.op.name for node in made.nodes] == ["lookup", "arg_max", behind]


@pytest.mark.parametrize(
    ("shape", "between"),
    [
        ((1, 2, 6), (Reshape((12,)),)),
        ((2, 3, 6), (Transpose((0, 2, 1)),)),
        ((2, 3, 6), (Reshape((6, 6)), Transpose((1, 0)))),
        ((2, 3, 6), (Softmax(axis=-2),)),
    ],
)
def test_what_mixes_vectors_stays(shape: tuple[int, ...], between: tuple[Op, ...]) -> None:
    graph = classifier(shape, *between)
    assert RankClassifier().run(graph) is graph


def test_a_table_too_large_leaves_the_choice_to_the_host() -> None:
    graph = classifier((3, 4, 7))
    assert RankClassifier(max_table_entries=7 * 32 - 1).run(graph) is graph
    assert RankClassifier(max_table_entries=7 * 32).run(graph) is not graph


def test_integers_and_other_outputs_are_left_alone() -> None:
    net = Sketch()
    x = net.input(UInt(3), 2, 2, 4)
    other = net.dequantise(net.input(Bipolar(), 2, 2, 4, name="b"))
    graph = net.finish(net.add(ArgMax(), x), other)
    assert RankClassifier().run(graph) is graph
