"""Draws network descriptions; hypothesis shrinks them towards one small plain layer.

Later kinds of layers widen these strategies, not the tests that use them.
"""

from __future__ import annotations

from hypothesis import strategies as st

from hw_tests.bench.networks import After, Dense, Images, Network, Quantiser, Step
from hw_tests.bench.networks.steps import ARITHMETIC, OPS, TAILS

IMAGE_OPS = {*ARITHMETIC, "MaxPool", "GlobalMaxPool", "Resize"}
ROUNDINGS = ("ROUND", "FLOOR", "CEIL", "UP", "DOWN", "HALF_UP", "HALF_DOWN")
FUNCTIONS = ("", "Relu", "Clip", "LeakyRelu", "Sigmoid", "Tanh")


@st.composite
def quantisers(draw: st.DrawFn, *, weights: bool = False) -> Quantiser:
    """Draw a quantiser of 1 to 8 bits."""
    bits = draw(st.integers(1, 8))
    signed = weights or draw(st.booleans())
    plain = bits == 1 or weights
    return Quantiser(
        bits=bits,
        signed=signed,
        narrow=bits > 1 and draw(st.booleans()),
        rounding="ROUND" if plain else draw(st.sampled_from(ROUNDINGS)),
        zero_point=0 if plain else draw(st.integers(0, 3)),
        # Powers of two make exact ties; calibrated scales make odd ratios.
        log2_scale=draw(st.none() | st.integers(-4, 0)),
        per_channel=weights and draw(st.booleans()),
    )


@st.composite
def few_values(draw: st.DrawFn) -> Quantiser:
    """Draw the quantiser of weights of few values, of which none to nearly all are zero."""
    bits = draw(st.integers(2, 8))
    most = 2 ** (bits - 1) - 1
    value = st.integers(-most, most).filter(bool)
    values = draw(st.lists(value, min_size=1, max_size=7, unique=True))
    zeros = draw(st.sampled_from((0.63, 0.9, 0.5, 0.97, 0.0)))
    per_channel = draw(st.integers(0, 3)) == 3
    return Quantiser(bits, narrow=True, per_channel=per_channel, values=tuple(values), zeros=zeros)


@st.composite
def layers(draw: st.DrawFn, *, last: bool) -> Dense:
    """Draw a dense layer with what follows it."""
    return Dense(
        outputs=draw(st.integers(1, 12)),
        weight=draw(st.one_of(quantisers(weights=True), few_values())),
        activation=draw(st.none() | quantisers()) if last else draw(quantisers()),
        function="" if last else draw(st.sampled_from(FUNCTIONS)),
        bias=draw(st.booleans()),
        norm=draw(st.booleans()),
    )


@st.composite
def networks(draw: st.DrawFn) -> Network:
    """Draw a small network."""
    count = draw(st.integers(1, 3))
    return Network(
        inputs=draw(st.integers(1, 24)),
        input=draw(quantisers()),
        layers=tuple(draw(layers(last=index == count - 1)) for index in range(count)),
        tail=draw(st.sampled_from(("", "Softmax", "ArgMax"))),
        affine_input=draw(st.booleans()),
        seed=draw(st.integers(0, 1000)),
    )


@st.composite
def image_weights(draw: st.DrawFn) -> Quantiser:
    """Draw the quantiser of a convolution's weights."""
    bits = draw(st.integers(1, 8))
    signed = draw(st.integers(0, 5)) < 5
    narrow = bits > 1 and draw(st.booleans())
    return Quantiser(bits, signed, narrow, per_channel=draw(st.booleans()))


@st.composite
def image_activations(draw: st.DrawFn) -> Quantiser:
    """Draw a quantiser of activations: mostly narrow ones, so that tables stay small."""
    bits = draw(st.sampled_from((4, 2, 1, 3, 5, 6, 8)))
    signed = draw(st.booleans())
    plain = bits == 1
    return Quantiser(
        bits,
        signed,
        narrow=not plain and draw(st.booleans()),
        rounding="ROUND" if plain else draw(st.sampled_from(ROUNDINGS)),
        zero_point=0 if plain else draw(st.sampled_from((0, 0, 1, 3))),
        per_channel=draw(st.integers(0, 3)) == 3,
    )


@st.composite
def afters(draw: st.DrawFn, functions: tuple[str, ...]) -> After:
    """Draw what follows an operation."""
    return After(
        quantiser=draw(image_activations()) if draw(st.integers(0, 3)) < 3 else None,
        function=draw(st.sampled_from(functions)),
        bias=draw(st.integers(0, 2)) == 2,
        norm=draw(st.integers(0, 2)) == 2,
        thresholds=draw(st.integers(0, 7)) == 7,
    )


def _pairs(low: int, high: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(st.integers(low, high), st.integers(low, high))


@st.composite
def steps(draw: st.DrawFn, functions: tuple[str, ...]) -> Step:
    """Draw one operation; convolutions come as often as everything else."""
    op = draw(st.sampled_from(("Conv",) * 7 + OPS))
    return Step(
        op,
        source=draw(st.sampled_from((0, 0, 0, 1, 2))),
        other=draw(st.integers(1, 3)),
        channels=draw(st.integers(1, 6)),
        kernel=draw(_pairs(1, 3)),
        stride=draw(_pairs(1, 2)),
        dilation=draw(_pairs(1, 2)),
        pads=draw(st.tuples(*[st.integers(0, 2)] * 4)),
        groups=draw(st.sampled_from((1, 1, 0, 2, 3))),
        weight=draw(st.one_of(image_weights(), few_values())),
        whole=draw(st.integers(0, 7)) == 7,
        variant=draw(st.integers(0, 7)),
        after=draw(afters(functions)),
    )


@st.composite
def image_networks(draw: st.DrawFn) -> Images:
    """Draw a small network of images or signals."""
    dyadic = draw(st.integers(0, 3)) < 3
    channels = draw(st.integers(1, 6))
    extents = draw(st.lists(st.integers(3, 10), min_size=1, max_size=2))
    functions = FUNCTIONS[:4] if dyadic else FUNCTIONS
    drawn = draw(st.lists(steps(functions), min_size=1, max_size=6))
    if not any(step.op in IMAGE_OPS for step in drawn):
        drawn.append(Step("Conv"))  # files without image operators are laid out as perceptrons are
    return Images(
        (channels, *extents),
        draw(image_activations()),
        tuple(drawn),
        dyadic=dyadic,
        channels_last=draw(st.integers(0, 4)) == 4,
        outputs=draw(st.integers(1, 3)),
        tail=draw(st.sampled_from(TAILS)),
        version=draw(st.sampled_from((2, 1))),
        seed=draw(st.integers(0, 1000)),
    )
