"""Windows: every element that a kernel covers, in the order (c // block, ky, kx, c % block)."""

from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.ir import Bipolar, Int, IntType, Real, UInt
from bitmason.ir.ops.windows import Windows
from bitmason.ir.types import Array, IntArray
from tests.ir.image_makers import divisors, fitting
from tests.ir.ops.checks import assert_same, rejection, tensor

KERNEL_TOO_LARGE = "I001: the kernel covers {} pixels, the image is uint4[3, 4, 2]"
NOT_POSITIVE = "I001: windows needs positive kernels, strides and dilations"


def naive(x: IntArray, op: Windows) -> list[list[list[int]]]:
    """Collect the windows of one frame element by element."""
    (kh, kw), (sh, sw), (dh, dw) = op.kernel, op.stride, op.dilation
    height, width, channels = x.shape
    return [
        [
            [
                int(x[top + ky * dh, left + kx * dw, first + c])
                for first in range(0, channels, op.block)
                for ky in range(kh)
                for kx in range(kw)
                for c in range(op.block)
            ]
            for left in range(0, width - (kw - 1) * dw, sw)
        ]
        for top in range(0, height - (kh - 1) * dh, sh)
    ]


def image(*shape: int) -> Array:
    return np.arange(prod(shape)).reshape(1, *shape)


def test_by_hand() -> None:
    x = np.array([[[[1, 10], [2, 20], [3, 30]], [[4, 40], [5, 50], [6, 60]]]])
    together = Windows((2, 2), block=2)
    assert_same(
        together.evaluate(x), [[[[1, 10, 2, 20, 4, 40, 5, 50], [2, 20, 3, 30, 5, 50, 6, 60]]]]
    )
    apart = Windows((2, 2))
    assert apart.block == 1
    assert_same(apart.evaluate(x), [[[[1, 2, 4, 5, 10, 20, 40, 50], [2, 3, 5, 6, 20, 30, 50, 60]]]])


@given(st.data(), st.integers(1, 7), st.integers(1, 7), st.integers(1, 6))
def test_equals_the_definition(data: st.DataObject, height: int, width: int, channels: int) -> None:
    down, across = (data.draw(st.sampled_from(fitting(extent))) for extent in (height, width))
    kernel, stride, dilation = zip(down, across, strict=True)
    op = Windows(kernel, stride, dilation, data.draw(divisors(channels)))
    x = np.arange(2 * height * width * channels).reshape(2, height, width, channels)
    wanted = [naive(frame, op) for frame in x]
    assert_same(op.evaluate(x), wanted)
    assert op.taps == prod(kernel)
    assert op.infer([tensor(Int(9, -3, 200), *x.shape[1:])]) == tensor(
        Int(9, -3, 200), *np.shape(wanted)[1:]
    )


@pytest.mark.parametrize("elem", [Bipolar(), UInt(1), UInt(3, 5), Int(62)])
def test_keeps_the_type_of_the_elements(elem: IntType) -> None:
    assert Windows((2, 3), block=2).infer([tensor(elem, 3, 3, 4)]) == tensor(elem, 2, 1, 24)


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int64])
def test_keeps_the_kind_of_the_array(dtype: type[np.int8]) -> None:
    assert Windows((2, 2)).evaluate(image(3, 3, 2).astype(dtype)).dtype == dtype


def test_pixels_behind_the_last_stride_are_in_no_window() -> None:
    op = Windows((2, 2), (3, 2))
    assert op.infer([tensor(UInt(4), 4, 5, 1)]).shape == (1, 2, 4)
    assert_same(op.evaluate(image(4, 5, 1)), [[[[0, 1, 5, 6], [2, 3, 7, 8]]]])


def test_a_signal_is_an_image_of_one_row() -> None:
    op = Windows((1, 3), (1, 2), (1, 2))
    assert_same(op.evaluate(image(1, 7, 1)), [[[[0, 2, 4], [2, 4, 6]]]])


def test_no_frames() -> None:
    op = Windows((2, 2), block=2)
    assert op.evaluate(np.zeros((0, 3, 3, 4), np.int8)).shape == (0, 2, 2, 16)


@pytest.mark.parametrize(
    ("op", "elem", "shape", "message"),
    [
        (
            Windows((1, 1)),
            Real(),
            (3, 4, 2),
            "I001: windows needs an integer operand, found real[3, 4, 2]",
        ),
        (
            Windows((1, 1)),
            UInt(4),
            (4, 2),
            "I001: windows needs an image of three axes, found uint4[4, 2]",
        ),
        (Windows((4, 1)), UInt(4), (3, 4, 2), KERNEL_TOO_LARGE.format("4 x 1")),
        (Windows((1, 5)), UInt(4), (3, 4, 2), KERNEL_TOO_LARGE.format("1 x 5")),
        (Windows((2, 2), dilation=(1, 4)), UInt(4), (3, 4, 2), KERNEL_TOO_LARGE.format("2 x 5")),
        (Windows((0, 1)), UInt(4), (3, 4, 2), NOT_POSITIVE),
        (Windows((1, 1), (1, 0)), UInt(4), (3, 4, 2), NOT_POSITIVE),
        (Windows((1, 1), dilation=(-1, 1)), UInt(4), (3, 4, 2), NOT_POSITIVE),
        (
            Windows((1, 1), block=3),
            UInt(4),
            (3, 4, 2),
            "I001: windows in blocks of 3 cannot hold 2 channels",
        ),
        (
            Windows((1, 1), block=0),
            UInt(4),
            (3, 4, 2),
            "I001: windows in blocks of 0 cannot hold 2 channels",
        ),
    ],
)
def test_rejects(op: Windows, elem: IntType | Real, shape: tuple[int, ...], message: str) -> None:
    assert rejection(op, tensor(elem, *shape)) == message


def test_the_largest_kernel_that_fits() -> None:
    assert Windows((3, 4)).infer([tensor(UInt(4), 3, 4, 2)]).shape == (1, 1, 24)
    assert Windows((2, 2), dilation=(2, 3)).infer([tensor(UInt(4), 3, 4, 2)]).shape == (1, 1, 8)
