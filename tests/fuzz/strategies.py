"""Draws network descriptions; hypothesis shrinks them towards one small plain layer.

Later kinds of layers widen these strategies, not the tests that use them.
"""

from __future__ import annotations

from hypothesis import strategies as st

from hw_tests.bench.networks import Dense, Network, Quantiser

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
def layers(draw: st.DrawFn, *, last: bool) -> Dense:
    """Draw a dense layer with what follows it."""
    return Dense(
        outputs=draw(st.integers(1, 12)),
        weight=draw(quantisers(weights=True)),
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
