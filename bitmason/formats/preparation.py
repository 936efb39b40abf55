"""Data for a search, checked against the network before anything is evaluated.

Invariant: frames of one batch do not depend on each other, which is tried, not assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from bitmason.diagnostics import fail, quote
from bitmason.formats.evaluation import Evaluator, Plan, check_answers, first_wild
from bitmason.formats.network import FloatNetwork
from bitmason.formats.parts import cut
from bitmason.ir.rounding import Rounding
from bitmason.ir.types import Array

_MOST_FRAMES = 100
_ELEMENTS_AT_ONCE = 2**22
_TOLERANCE = 1e-3


@dataclass(frozen=True)
class Data:
    """Frames [n, ...] and their labels [n]; `name` is what messages call them."""

    frames: Array
    labels: Array
    name: str = "data"

    def checked(self, network: FloatNetwork) -> Data:
        """Return frames as float32 and labels as integers.

        Raises:
            CompileError: S001 where they do not fit the network or each other.
        """
        frames = self._frames(network)
        labels = self.labels
        if labels.dtype.kind not in "iu" or labels.shape != frames.shape[:1]:
            found = list(labels.shape)
            fail(
                "S001",
                f"the labels of the {self.name} are {labels.dtype} of shape {found}, expected one "
                f"integer for each of {len(frames)} frames",
                loc=network.loc,
                help="give the number of the class, from 0 on",
            )
        if len(frames) < 2:
            count = "is 1 frame" if len(frames) else "are no frames"
            fail(
                "S001",
                f"there {count} of {self.name}, at least 2 are needed",
                loc=network.loc,
                help="give some thousand frames that the network has not seen in training",
            )
        if int(labels.max()) > np.iinfo(np.int64).max:
            message = f"labels of the {self.name} reach up to {int(labels.max())}"
            fail("S001", message, loc=network.loc, help="number classes from 0 on")
        return Data(frames, labels.astype(np.int64), self.name)

    def _frames(self, network: FloatNetwork) -> Array:
        """Return the frames as float32."""
        given = self.frames
        if given.dtype.kind != "f" or given.shape[1:] != network.frame or given.ndim < 2:
            found, wanted = list(given.shape), ["n", *network.frame]
            fail(
                "S001",
                f"the {self.name} are {given.dtype} of shape {found}, the model takes float32 of "
                f"shape [{', '.join(map(str, wanted))}]",
                loc=network.loc,
                help="scale and arrange the inputs as for training, with a batch axis in front",
            )
        with np.errstate(over="ignore"):
            frames = np.ascontiguousarray(given, np.float32)
        first = first_wild(frames)
        if first is not None:
            what = "a number that float32 has no room for"
            if not np.isfinite(given[first]).all():
                what = "NaN or infinity"
            fail(
                "S001",
                f"frame {first} of the {self.name}, counted from 0, holds {what}",
                loc=network.loc,
                help="leave such frames out, or repair what prepares the inputs",
            )
        return frames

    def check_classes(self, classes: int, network: FloatNetwork) -> None:
        """Check that the network has a number for every label.

        Raises:
            CompileError: S001 where it has not.
        """
        lowest, highest = int(self.labels.min()), int(self.labels.max())
        if lowest < 0 or highest >= classes:
            message = f"labels of the {self.name} reach from {lowest} to {highest}"
            about = f"the network has {classes} classes"
            fail("S001", f"{message}, {about}", loc=network.loc, help="number classes from 0 on")


def prepare(network: FloatNetwork, data: Data, rounding: Rounding) -> Plan:
    """Return what the evaluation needs.

    Raises:
        CompileError: S001 for data that do not fit, F014 for a network that takes one frame at a
            time or is no classifier, S006 where it cannot be run.
    """
    data = data.checked(network)
    plan = Plan(network, cut(network), rounding, data.frames, data.labels, 1)
    tensors = _probe(Evaluator(plan), data.frames, network)
    logits = tensors[network.output]
    classes = prod(logits.shape[1:])
    if classes < 2:
        message = f"output {quote(network.output)} has shape {list(logits.shape)} for 2 frames"
        fail("F014", f"{message}: one number per class is needed", loc=network.loc)
    data.check_classes(classes, network)
    shapes = {name: array.shape[1:] for name, array in tensors.items()}
    most = max(prod(shape) for shape in shapes.values())
    batch = max(1, min(_MOST_FRAMES, _ELEMENTS_AT_ONCE // most))
    sized = network.sized(shapes)
    return Plan(sized, plan.cut, rounding, data.frames, data.labels, batch, classes)


def _probe(evaluator: Evaluator, frames: Array, network: FloatNetwork) -> dict[str, Array]:
    """Return what two frames become, once it is seen that each becomes the same alone."""
    both = evaluator.trace(frames[:2])
    each = [evaluator.trace(frames[:1]), evaluator.trace(frames[1:2])]
    for number, one in enumerate(each):
        # Whether a sum overflows depends on its order, and so on the batch.
        check_answers(one[network.output], network, number)
    for name, array in both.items():
        parts = [one[name] for one in each]
        if any(part.ndim < 1 or len(part) != 1 or part.size < 1 for part in parts):
            _refuse(name, network)
        alone = np.concatenate(parts)
        close = alone.shape == array.shape and np.allclose(
            alone, array, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True
        )
        if close:
            continue
        if not np.isfinite(array).all():
            message = f"tensor {quote(name)} of the float network becomes NaN or infinite"
            fail("S001", message, loc=network.loc, help="scale the inputs as for training")
        _refuse(name, network)
    return both


def _refuse(name: str, network: FloatNetwork) -> None:
    fail(
        "F014",
        f"tensor {quote(name)} of a batch is not one of its frames after the other",
        loc=network.loc,
        help="the first axis of every activation must be the batch; reshape to [batch, ...]",
    )
