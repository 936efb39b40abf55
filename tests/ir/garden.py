"""A random graph in the making: the makers of ops take their operands from it.

Invariant: what repeats elements makes no frame larger than `SMALL`: constants to match stay few.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hypothesis import strategies as st

from bitmason.ir import Bipolar, Builder, Folding, IntType, Op, Real, TensorType
from bitmason.ir.types import Shape
from tests.ir.elements import hostile_text, images, int_types, locs, shapes, signed, unsigned

SMALL = 96


class Garden:
    """A graph that grows op by op; an op that finds no operand gets a new input."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.builder = Builder(draw(hostile_text))
        self.types: dict[str, TensorType] = {}

    def input(self, type_: TensorType) -> str:
        name = self.builder.input(self.draw(hostile_text), type_, self.draw(locs))
        self.types[name] = type_
        return name

    def operand(
        self,
        fits: Callable[[TensorType], bool],
        elems: st.SearchStrategy[IntType | Real],
        new_shapes: st.SearchStrategy[Shape] = shapes,
    ) -> tuple[str, TensorType]:
        """Return a value that fits, old or, with `elems` and `new_shapes`, a new input."""
        old = [name for name, type_ in self.types.items() if fits(type_)]
        reuse = bool(old) and self.draw(st.integers(0, 3)) > 0
        if reuse:
            name = self.draw(st.sampled_from(old))
        else:
            name = self.input(TensorType(self.draw(new_shapes), self.draw(elems)))
        return name, self.types[name]

    def real(self) -> tuple[str, TensorType]:
        return self.operand(lambda t: isinstance(t.elem, Real), st.just(Real()))

    def integer(self, max_bits: int) -> tuple[str, TensorType]:
        return self.operand(lambda t: is_integer(t, max_bits), int_types(min(max_bits, 8)))

    def number(self, max_bits: int) -> tuple[str, TensorType]:
        """Return an integer that is not bipolar."""
        return self.operand(lambda t: is_number(t, max_bits), numbers(min(max_bits, 8)))

    def numbers_of_one_shape(self, max_bits: int) -> tuple[tuple[str, str], TensorType, TensorType]:
        """Return two integers that are not bipolar, with their types."""
        a, first = self.number(max_bits)
        b, second = self.operand(
            lambda t: is_number(t, max_bits) and t.shape == first.shape,
            numbers(min(max_bits, 8)),
            st.just(first.shape),
        )
        return (a, b), first, second

    def image(self, max_bits: int, max_channels: int = 8) -> tuple[str, TensorType]:
        """Return an integer image."""

        def fits(type_: TensorType) -> bool:
            return is_image(type_, max_channels) and is_integer(type_, max_bits)

        return self.operand(fits, int_types(min(max_bits, 8)), images)

    def number_image(self, max_bits: int) -> tuple[str, TensorType]:
        """Return an integer image that is not bipolar."""

        def fits(type_: TensorType) -> bool:
            return is_image(type_, SMALL) and is_number(type_, max_bits)

        return self.operand(fits, numbers(8), images)

    def any_image(self) -> tuple[str, TensorType]:
        return self.operand(lambda t: is_image(t, SMALL), int_types(8) | st.just(Real()), images)

    def bipolar(self) -> tuple[str, TensorType]:
        return self.operand(lambda t: t.elem == Bipolar(), st.just(Bipolar()))

    def any(self) -> tuple[str, TensorType]:
        return self.operand(lambda t: True, int_types(8) | st.just(Real()))

    def add(self, op: Op, operands: Sequence[str]) -> str:
        folding = st.builds(
            Folding,
            st.integers(1, 9),
            st.integers(1, 9),
            hostile_text,
            st.sampled_from(["", "lut", "bram"]),
            st.sampled_from(["", "dsp"]),
            st.sampled_from([1, 2, 4]),
        )
        name = self.builder.add(
            op, operands, self.draw(locs), self.draw(hostile_text), self.draw(st.none() | folding)
        )
        self.types[name] = self.builder.type_of(name)
        return name


def is_integer(type_: TensorType, max_bits: int) -> bool:
    return not isinstance(type_.elem, Real) and type_.elem.bits <= max_bits


def is_number(type_: TensorType, max_bits: int) -> bool:
    return is_integer(type_, max_bits) and not isinstance(type_.elem, Bipolar)


def is_image(type_: TensorType, max_channels: int) -> bool:
    return len(type_.shape) == 3 and type_.shape[2] <= max_channels and type_.size <= SMALL


def numbers(max_bits: int) -> st.SearchStrategy[IntType]:
    """Every integer type but the bipolar one."""
    return unsigned(max_bits) | signed(max_bits)


Made = tuple[Op, tuple[str, ...]]
