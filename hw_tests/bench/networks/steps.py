"""What random networks of images and signals are made of.

Invariant: every description makes a legal network. Numbers that do not fit (a kernel larger than
its image, groups that do not divide the channels) are brought to the nearest that does, so that
shrinking a description never leads out of the legal ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from hw_tests.bench.networks.brief import Brief
from hw_tests.bench.networks.quantiser import Quantiser

Pair = tuple[int, int]

ARITHMETIC = ("Conv", "ConvTranspose", "AveragePool", "GlobalAveragePool", "Trunc")
JOINS = ("Add", "Sub", "Mul", "Concat")
MOVES = ("MaxPool", "GlobalMaxPool", "Split", "Slice", "Resize", "DepthToSpace", "SpaceToDepth",
         "Pad", "Shuffle", "Swap")  # fmt: skip
OPS = (*ARITHMETIC, *JOINS, *MOVES)
TAILS = ("", "Dense", "Softmax", "ArgMax")


@dataclass(frozen=True, repr=False)
class After(Brief):
    """What follows an operation, up to the next quantiser; `thresholds` makes it the FINN form."""

    quantiser: Quantiser | None = None
    function: str = ""  # Relu, Clip, LeakyRelu, Sigmoid, Tanh, or nothing
    bias: bool = False
    norm: bool = False
    thresholds: bool = False


@dataclass(frozen=True, repr=False)
class Step(Brief):
    """One operation; `source` and `other` count back from the newest value.

    `channels` are those of the result for each group, and where parts of a tensor are meant, the
    first channel; `groups` 0 is depthwise. `pads` stand in ONNX's order. Signals use the second
    number of every pair. `whole` weights are plain numbers without a quantiser.
    """

    op: str
    source: int = 0
    other: int = 1
    channels: int = 1
    kernel: Pair = (1, 1)
    stride: Pair = (1, 1)
    dilation: Pair = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 1
    weight: Quantiser = Quantiser(3)  # noqa: RUF009  frozen
    whole: bool = False
    variant: int = 0
    after: After = After()


@dataclass(frozen=True, repr=False)
class Images(Brief):
    """A network of images `(channels, rows, columns)` or signals `(channels, length)`.

    `dyadic` scales are powers of two, for which the executor is mostly exact. Of the values that
    nothing reads, the newest `outputs` are the outputs; `tail` stands behind the last of them.
    `version` is that of QONNX's operators, of which Trunc has two.
    """

    shape: tuple[int, ...]
    input: Quantiser
    steps: tuple[Step, ...]
    dyadic: bool = True
    channels_last: bool = False
    outputs: int = 1
    tail: str = ""
    version: int = 2
    seed: int = 0
