"""Small float networks and data for them; labels are what the network answers, most of the time."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from onnx import ModelProto

from bitmason.formats import Data, FloatNetwork, load_network
from bitmason.formats.evaluation import Evaluator, Plan
from bitmason.formats.parts import cut
from bitmason.formats.preparation import prepare
from bitmason.ir.custom_float import TRUNCATE
from bitmason.ir.types import Array
from tests.frontend.onnx_models import Net, f32

SIDE, CLASSES, FRAMES = 8, 4, 120


def images_net() -> Net:
    """Return Conv, Relu, MaxPool, two branches that meet, Reshape, Gemm, Relu, MatMul, Add."""
    rng = np.random.default_rng(3)
    net = Net(1, 1, SIDE, SIDE)

    def weights(*shape: int) -> str:
        return net.const(f32(rng.normal(0, 0.4, shape)))

    first = net.node("Conv", "x", weights(6, 1, 3, 3), weights(6), name="conv1")
    pooled = net.node("MaxPool", net.node("Relu", first), kernel_shape=[2, 2], strides=[2, 2])
    left = net.node("Conv", pooled, weights(6, 6, 1, 1), name="left")
    right = net.node("Conv", pooled, weights(6, 6, 3, 3), pads=[1, 1, 1, 1], name="right")
    sum_ = net.node("Add", net.node("Add", left, right), pooled)
    flat = net.node("Reshape", sum_, net.const(np.array([1, -1])))
    hidden = net.node("Gemm", flat, weights(10, 54), weights(10), transB=1, name="fc1")
    out = net.node("MatMul", net.node("Relu", hidden), weights(10, CLASSES), name="fc2")
    net.node("Add", out, weights(CLASSES), name="bias")
    return net


def images_model() -> ModelProto:
    return images_net().model()


@cache
def model_bytes() -> bytes:
    data: bytes = images_model().SerializeToString()
    return data


def network(model: ModelProto | None = None) -> FloatNetwork:
    data = model_bytes() if model is None else model.SerializeToString()
    return load_network(data, "net.onnx")


def frames(count: int = FRAMES, seed: int = 0) -> Array:
    return f32(np.random.default_rng(seed).uniform(0, 1, (count, 1, SIDE, SIDE)))


def floats(net: FloatNetwork, x: Array) -> Array:
    """Return what the float network answers."""
    plan = Plan(net, cut(net), TRUNCATE, x, np.zeros(len(x), np.int64), 10)
    return Evaluator(plan).logits(x, (None,) * len(net.sites))


def labelled(count: int = FRAMES, seed: int = 0, wrong: int = 10) -> Data:
    """Return frames with what the float network answers, but for every `wrong`-th."""
    x = frames(count, seed)
    labels = floats(network(), x).argmax(axis=1)
    labels[::wrong] = (labels[::wrong] + 1) % CLASSES
    return Data(x, labels)


def plan_of(data: Data) -> Plan:
    return prepare(network(), data, TRUNCATE)


def saved(folder: Path, data: Data, name: str = "") -> tuple[Path, Path]:
    """Write the frames and labels as files."""
    paths = folder / f"{name}x.npy", folder / f"{name}y.npy"
    np.save(paths[0], data.frames)
    np.save(paths[1], data.labels)
    return paths
