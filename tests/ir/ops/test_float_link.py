"""Compressors and decompressors of float32 numbers, and the bits between them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Const, Int, IntType, Op, Real, TensorType, UInt
from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat, Knobs
from bitmason.ir.ops.float_link import (
    PATTERN,
    BitsFloat,
    Compress,
    Decompress,
    FloatBits,
    RankValue,
)
from bitmason.ir.ops.quantise_float import QuantiseFloat
from tests.ir.elements import int_types
from tests.ir.ops.checks import assert_same, rejection, tensor
from tests.ir.strategies import formats_of, knobs_of

SMALL = CustomFloat(2, 1, 1)
SUBNORMAL = CustomFloat(2, 1, 1, full=True, subnormals=True)
E4M3 = CustomFloat(4, 3, 7)
NARROW = CustomFloat(3, 1, 9)
AT_NARROW = (3, 2, 119)  # of E4M3
UNITY = Const(np.float32(1))


def test_bits_by_hand() -> None:
    x = np.array([[1.0, -2.0, 0.0, -0.0]], dtype=np.float32)
    bits = [[0x3F800000, 0xC0000000, 0, 0x80000000]]
    assert FloatBits().infer([tensor(Real(), 4)]) == tensor(UInt(32), 4)
    assert_same(FloatBits().evaluate(x), bits)
    assert_same(FloatBits().evaluate(x.astype(np.float64)), bits)
    assert BitsFloat().infer([tensor(UInt(32), 4)]) == tensor(Real(), 4)
    assert_same(BitsFloat().evaluate(np.array(bits)), x, np.float32)


def test_compress_by_hand() -> None:
    x = np.array([[0.49, -0.5, 1.49, -1.5, 1.75, 99, -np.inf, np.nan]], dtype=np.float32)
    bits = FloatBits().evaluate(x)
    op = Compress(SMALL, "DOWN")
    assert op.infer([tensor(PATTERN, 8)]) == tensor(Int(4, -5, 5), 8)
    assert_same(op.evaluate(bits), [[0, -2, 2, -3, 3, 5, -5, 5]])
    assert_same(Compress(SMALL, "ROUND").evaluate(bits), [[0, -2, 3, -3, 4, 5, -5, 5]])


def test_decompress_by_hand() -> None:
    ranks = np.array([[0, 1, 2, 3, -4, 5]], dtype=np.int8)
    op = Decompress(SMALL)
    assert op.infer([tensor(Int(4, -5, 5), 6)]) == tensor(PATTERN, 6)
    bits = op.evaluate(ranks)
    assert_same(BitsFloat().evaluate(bits), [[0, 0, 1, 1.5, -2, 3]], np.float32)
    of_subnormals = BitsFloat().evaluate(Decompress(SUBNORMAL).evaluate(ranks))
    assert_same(of_subnormals, [[0, 0.5, 1, 1.5, -2, 3]], np.float32)


@given(st.data(), int_types(9), st.sampled_from(["DOWN", "ROUND"]))
def test_compress_undoes_decompress(data: st.DataObject, elem: Int, rounding: str) -> None:
    found = data.draw(formats_of(elem))
    format_ = CustomFloat(found.e_bits, found.m_bits, found.bias, full=True)
    magnitudes = np.arange(format_.first, format_.top + 1)
    ranks = np.concatenate([-magnitudes, [0], magnitudes])[np.newaxis]
    bits = Decompress(format_).evaluate(ranks)
    assert_same(Compress(format_, rounding).evaluate(bits), ranks)


def test_engines_at_knobs_are_those_of_the_format_named() -> None:
    narrow, wide = tensor(NARROW.rank_type, 400), tensor(E4M3.rank_type, 400)
    x = np.random.default_rng(0).normal(0, 4, (1, 400)).astype(np.float32)
    bits = FloatBits().evaluate(x)
    for rounding in (TRUNCATE, NEAREST):
        op = Compress(E4M3, rounding, AT_NARROW)
        assert op.infer([tensor(PATTERN, 400)]) == wide
        ranks = op.evaluate(bits)
        assert_same(ranks, Compress(NARROW, rounding).evaluate(bits))
        assert not np.array_equal(ranks, Compress(E4M3, rounding).evaluate(bits))
        quantise = QuantiseFloat(UNITY, E4M3, rounding, AT_NARROW)
        assert quantise.infer([tensor(Real(), 400)]) == wide
        assert_same(quantise.evaluate(x), ranks)
    assert Decompress(NARROW).infer([narrow]) == Decompress(E4M3, AT_NARROW).infer([wide])
    numbers = Decompress(E4M3, AT_NARROW).evaluate(ranks)
    assert_same(numbers, Decompress(NARROW).evaluate(ranks))
    assert RankValue(E4M3, AT_NARROW).infer([wide]) == tensor(Real(), 400)
    of_host = RankValue(E4M3, AT_NARROW).evaluate(ranks)
    assert_same(of_host, BitsFloat().evaluate(numbers), np.float32)


def test_bits_that_a_narrower_format_does_not_have_are_cut_off() -> None:
    # Magnitudes of NARROW have 4 bits: 16 + 7 is read as 7.
    ranks = np.array([[23, -23, 7, -7, 16, -16]], dtype=np.int8)
    found = RankValue(E4M3, AT_NARROW).evaluate(ranks)
    number = NARROW.numbers[NARROW.top + 7]
    assert_same(found, [[number, -number, number, -number, 0, 0]], np.float32)
    assert not np.signbit(found[0, -1])


@pytest.mark.parametrize("dtype", [np.int8, np.uint8])
def test_few_ranks_of_a_wide_format_come_in_narrow_arrays(dtype: type[np.integer[Any]]) -> None:
    wide = CustomFloat(5, 10, 15)
    ranks = np.arange(128)[np.newaxis]
    expected = RankValue(wide).evaluate(ranks)
    assert_same(RankValue(wide).evaluate(ranks.astype(dtype)), expected, np.float32)
    assert_same(
        BitsFloat().evaluate(Decompress(wide).evaluate(ranks.astype(dtype))), expected, np.float32
    )


def test_rank_value_by_hand() -> None:
    ranks = np.array([[0, 1, 2, 3, -4, 5]], dtype=np.int8)
    assert_same(RankValue(SMALL).evaluate(ranks), [[0, 0, 1, 1.5, -2, 3]], np.float32)
    assert_same(RankValue(SUBNORMAL).evaluate(ranks), [[0, 0.5, 1, 1.5, -2, 3]], np.float32)


@given(st.data(), int_types(9), st.sampled_from(["DOWN", "ROUND"]))
def test_a_narrower_format_keeps_its_own_numbers(
    data: st.DataObject, elem: Int, rounding: str
) -> None:
    format_ = data.draw(formats_of(elem))
    knobs = data.draw(knobs_of(format_))
    narrow = format_.at(knobs)
    assume(knobs)
    magnitudes = np.arange(narrow.first, narrow.top + 1)
    ranks = np.concatenate([-magnitudes, [0], magnitudes])[np.newaxis]
    bits = Decompress(format_, knobs).evaluate(ranks)
    assert_same(Compress(format_, rounding, knobs).evaluate(bits), ranks)
    numbers = RankValue(format_, knobs).evaluate(ranks)
    assert_same(FloatBits().evaluate(numbers), bits)
    assert_same(QuantiseFloat(UNITY, format_, rounding, knobs).evaluate(numbers), ranks)


CHANGING = [
    ("compress", lambda form, knobs: Compress(form, "DOWN", knobs), PATTERN),
    ("decompress", Decompress, Int(2)),
    ("rank_value", RankValue, Int(2)),
    ("quantise_float", lambda form, knobs: QuantiseFloat(UNITY, form, "DOWN", knobs), Real()),
]


@pytest.mark.parametrize(("name", "op", "elem"), CHANGING)
@pytest.mark.parametrize(
    ("form", "knobs", "message"),
    [
        (SMALL, (2, 2), f"cannot change {SMALL} by 2 numbers"),
        (SUBNORMAL, (2, 2, 127), f"cannot change {SUBNORMAL} by 3 numbers"),
        (SMALL, (2, 2, 0), "has knobs (2, 2, 0), from 1 to (2, 2, 127) are possible"),
        (SMALL, (3, 2, 127), "has knobs (3, 2, 127), from 1 to (2, 2, 127) are possible"),
        (SMALL, (2, 3, 1), "has knobs (2, 3, 1), from 1 to (2, 2, 127) are possible"),
        (SMALL, (2, 2, 128), "has knobs (2, 2, 128), from 1 to (2, 2, 127) are possible"),
    ],
)
def test_rejects_knobs(
    name: str,
    op: Callable[[CustomFloat, Knobs], Op],
    elem: Real | IntType,
    form: CustomFloat,
    knobs: Knobs,
    message: str,
) -> None:
    assert rejection(op(form, knobs), tensor(elem, 2)) == f"I001: {name} {message}"
    assert op(SMALL, SMALL.knobs).infer([tensor(elem, 2)]).shape == (2,)


@pytest.mark.parametrize(
    ("op", "operand", "message"),
    [
        (FloatBits(), tensor(UInt(4), 2), "float_bits needs a real operand, found uint4[2]"),
        (BitsFloat(), tensor(Int(32), 2), "bits_float needs uint32, found int32[2]"),
        (Compress(SMALL, "DOWN"), tensor(Real(), 2), "compress needs uint32, found real[2]"),
        (
            Compress(SUBNORMAL, "DOWN"),
            tensor(PATTERN, 2),
            "compress cannot make float<e2m1b1, subnormals, to 7> of float32",
        ),
        (Compress(SMALL, "CEIL"), tensor(PATTERN, 2), "compress cannot round by CEIL"),
        (
            Decompress(SMALL),
            tensor(Int(4), 2),
            "decompress needs ranks of float<e2m1b1>, found int4[2]",
        ),
        (
            Decompress(SMALL),
            tensor(Bipolar(), 2),
            "decompress needs ranks of float<e2m1b1>, found bipolar[2]",
        ),
        (
            RankValue(SMALL),
            tensor(Real(), 2),
            "rank_value needs ranks of float<e2m1b1>, found real[2]",
        ),
        (
            RankValue(SMALL),
            tensor(Int(4), 2),
            "rank_value needs ranks of float<e2m1b1>, found int4[2]",
        ),
        (
            Decompress(CustomFloat(2, 1, 128)),
            tensor(UInt(1), 2),
            "decompress cannot make float32 of float<e2m1b128>",
        ),
    ],
)
def test_rejects(op: Op, operand: TensorType, message: str) -> None:
    assert rejection(op, operand) == f"I001: {message}"
