# SPDX-License-Identifier: Apache-2.0
# Torch and Brevitas need not be installed where the types are checked.
"""Trains a CNN whose weights have few values on Fashion-MNIST and exports it as QONNX.

Every network starts from the same float weights and is trained from there as long as every other,
the float baseline too, with the answers of those float weights beside the labels. So what differs
is what the weights may be.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import brevitas.nn as qnn
import numpy as np
import onnx
import torch
import typer
from brevitas.quant import Int8WeightPerTensorFloat, Int16Bias
from compaction import compact
from torch import Tensor, nn
from training import (
    CLASSES,
    DEBIAN_DATA,
    MODELS,
    Data,
    Images,
    Out,
    Recipe,
    Seed,
    Split,
    Task,
    accuracy,
    as_floats,
    as_labels,
    as_qonnx,
    confusion,
    load_split,
    start,
    train,
)

from bitmason.coding import encode
from bitmason.frontend import import_model
from bitmason.frontend.agreement import compare
from bitmason.ir.codebook import Codebook, codebook_of
from bitmason.ir.interp import run
from bitmason.nn import FORMS, CodedLayer, clipped, coded_layers, nary, quantile, ttq

# Channels and stride of the 3x3 convolutions: 28x28 pixels become 14x14, 7x7 and 4x4.
CONVOLUTIONS = ((32, 2), (64, 2), (64, 2))
LAST_SIDE = 4
HIDDEN = 128
TASK = Task(as_floats, as_labels)
# From random float weights, and on from there: weights, scales and norms at one learning rate.
FIRST = Recipe(epochs=4, learning_rate=0.004, batch_size=100, half_precision=True)
SECOND = Recipe(epochs=3, learning_rate=0.0015, batch_size=100, half_precision=True)
TEMPERATURE = 2.0
PROVEN_IMAGES = 32
LABELLED_IMAGES = 1000


class Weights(StrEnum):
    """What the weights of a network may be."""

    FLOAT = "float"
    INT8 = "int8"
    TTQ = "ttq"
    BINARY = "binary"
    TERNARY = "ternary"
    QUATERNARY_PLUS = "quaternary+"
    QUATERNARY_MINUS = "quaternary-"
    QUINARY = "quinary"
    SEPTENARY = "septenary"
    QUANTILE = "quantile"

    @property
    def file(self) -> str:
        """The name in a file's."""
        return self.value.replace("+", "_plus").replace("-", "_minus")


@dataclass(frozen=True)
class Kind:
    """Weights and activations of a network."""

    weights: Weights
    t: float
    gamma: float
    act_bits: int
    all_layers: bool

    @property
    def coded(self) -> bool:
        """Whether the weights have few values."""
        return self.weights not in (Weights.FLOAT, Weights.INT8)

    @property
    def options(self) -> str:
        """What it is on the command line, and in the figures."""
        words = [f"--weights {self.weights}"]
        if self.coded and self.weights not in (Weights.BINARY, Weights.QUANTILE):
            words.append(f"--t {self.t:g}")
        if self.weights is not Weights.FLOAT:
            words.append(f"--gamma {self.gamma:g} --act-bits {self.act_bits}")
        if self.coded and self.all_layers:
            words.append("--all-layers")
        return " ".join(words)

    def weighting(self, *, end: bool) -> Any:
        """The quantiser of a layer's weights; `end` is the first and the last layer."""
        if self.weights is Weights.FLOAT:
            return None
        if self.weights is Weights.INT8 or (end and not self.all_layers):
            return Int8WeightPerTensorFloat
        if self.weights is Weights.TTQ:
            return ttq(self.t)
        if self.weights is Weights.QUANTILE:
            return quantile()
        return nary(FORMS[self.weights], self.t)

    def relu(self) -> nn.Module:
        """The activation behind a norm."""
        if self.weights is Weights.FLOAT:
            return nn.ReLU()
        quant = clipped(self.gamma, self.act_bits)
        act: nn.Module = qnn.QuantIdentity(act_quant=quant, return_quant_tensor=True)
        return act

    def pixels(self) -> nn.Module:
        """Eight bits a pixel, which loses nothing."""
        if self.weights is Weights.FLOAT:
            return nn.Identity()
        act: nn.Module = qnn.QuantIdentity(act_quant=clipped(1.0, 8))
        return act


def build(kind: Kind) -> nn.Sequential:
    """The network; the names of its modules become the names of the exported nodes."""
    net = nn.Sequential()
    net.add_module("input", kind.pixels())
    inputs = 1
    for index, (outputs, stride) in enumerate(CONVOLUTIONS, 1):
        weights = kind.weighting(end=index == 1)
        conv = qnn.QuantConv2d(
            inputs, outputs, 3, stride, padding=1, bias=False, weight_quant=weights
        )
        net.add_module(f"conv{index}", conv)
        net.add_module(f"bn{index}", nn.BatchNorm2d(outputs))
        net.add_module(f"act{index}", kind.relu())
        inputs = outputs
    net.add_module("flatten", nn.Flatten())
    inputs *= LAST_SIDE**2
    dense = qnn.QuantLinear(inputs, HIDDEN, bias=False, weight_quant=kind.weighting(end=False))
    net.add_module("fc1", dense)
    net.add_module("fc_bn1", nn.BatchNorm1d(HIDDEN))
    net.add_module("fc_act1", kind.relu())
    weights = kind.weighting(end=True)
    bias = None if weights is None else Int16Bias
    classifier = qnn.QuantLinear(HIDDEN, CLASSES, bias=True, weight_quant=weights, bias_quant=bias)
    net.add_module("fc2", classifier)
    return net.to(memory_format=torch.channels_last)


def float_weights(path: Path | None, split: Split, recipe: Recipe, seed: int) -> dict[str, Any]:
    """Trained float weights: those of `path`, or new ones, which are then stored there."""
    if path is not None and path.is_file():
        found: dict[str, Any] = torch.load(path)
        return found
    start(seed)
    net = build(Kind(Weights.FLOAT, 0, 0, 0, all_layers=False))
    train(net, TASK, split, recipe)
    state: dict[str, Any] = net.state_dict()
    if path is not None:
        torch.save(state, path)
    return state


@dataclass(frozen=True)
class Distilled:
    """Half the loss of the labels, and half the distance from the answers of a teacher."""

    teacher: nn.Module

    def __call__(self, net: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
        """Asks both networks."""
        answers = net(inputs).float()
        with torch.no_grad():
            wanted = self.teacher(inputs).float()
        distance = nn.functional.kl_div(
            torch.log_softmax(answers / TEMPERATURE, dim=1),
            torch.softmax(wanted / TEMPERATURE, dim=1),
            reduction="batchmean",
        )
        loss = nn.functional.cross_entropy(answers, targets)
        return (loss + TEMPERATURE**2 * distance) / 2


def codebooks_of(layers: list[CodedLayer]) -> Iterator[Codebook]:
    """The layers as [outputs, inputs], the channels of a kernel's pixel together."""
    for layer in layers:
        rows = np.moveaxis(layer.weights, 1, -1).reshape(len(layer.weights), -1)
        codebook = codebook_of(rows)
        assert codebook is not None
        yield codebook


def counts_of(net: nn.Module) -> tuple[int, int]:
    """The weights of all layers, and those of the layers that are not coded."""
    sizes = [
        (layer.weight.numel(), hasattr(layer.weight_quant.tensor_quant, "clusters"))
        for layer in net.modules()
        if isinstance(layer, (qnn.QuantConv2d, qnn.QuantLinear))
    ]
    return sum(size for size, _ in sizes), sum(size for size, coded in sizes if not coded)


def figures_of(net: nn.Module, kind: Kind, share: float, begun: float) -> dict[str, Any]:
    """What is known of a trained network; `begun` is the accuracy of the float weights."""
    weights, others = counts_of(net)
    found = {"accuracy": round(100 * share, 2), "float": round(100 * begun, 2)}
    if not kind.coded:
        return {**found, "bytes": weights * (4 if kind.weights is Weights.FLOAT else 1)}
    layers = list(coded_layers(net))
    zeros = sum(np.count_nonzero(layer.weights == 0) for layer in layers)
    return {
        **found,
        "sparsity": round(100 * zeros / (weights - others), 2),
        "bytes": len(encode(list(codebooks_of(layers))).data) + others,
        "layers": [
            {
                "name": layer.name,
                "sparsity": round(100 * layer.sparsity, 2),
                "step": layer.step,
                "values": list(layer.values),
            }
            for layer in layers
        ],
    }


def store(path: Path, kind: Kind, seed: int, figures: dict[str, Any]) -> None:
    """Puts the figures of one network among the others of a JSON file."""
    found = json.loads(path.read_text()) if path.is_file() else {}
    found.setdefault(kind.options, {})[str(seed)] = figures
    path.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


def export(net: nn.Module, test: Split, path: Path, doc: str) -> None:
    """Writes the network as QONNX once it is proven to mean what bitmason will compile."""
    net.eval().to(memory_format=torch.contiguous_format)
    images = as_floats(torch.from_numpy(test.images[:LABELLED_IMAGES].copy()))
    exported = as_qonnx(net, images[:1])
    exported.graph.name = path.stem
    exported.doc_string = doc
    model = compact(exported)
    onnx.checker.check_model(model, skip_opset_compatibility_check=True)
    prove(net, model, images)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    onnx.save(model, draft)
    draft.replace(path)


def prove(net: nn.Module, model: onnx.ModelProto, images: Tensor) -> None:
    """Holds the golden model to the QONNX executor exactly, and its labels to PyTorch's.

    Between 8-bit activations, PyTorch's sums in float32 may round to the other side now and then:
    its outputs are no measure, and a label may differ where two classes are as good as equal.
    """
    imported = import_model(model.SerializeToString())
    found = compare(imported, images[:PROVEN_IMAGES].numpy())
    if not found.agrees:
        raise RuntimeError(f"the golden model is not what was exported: {found}")
    (golden,) = run(imported.graph, {imported.graph.inputs[0].name: images.numpy()})
    with torch.no_grad():
        labels = net(images).argmax(dim=1).numpy()
    others = int(np.sum(golden.argmax(axis=1) != labels))
    typer.echo(f"golden model and PyTorch: {others} of {len(labels)} labels differ")
    if others > len(labels) // 500:
        raise RuntimeError("the exported network answers differently")


def main(  # noqa: PLR0913, PLR0917 # each is an option of the command line
    weights: Annotated[Weights, typer.Option(help="What the weights may be.")],
    t: Annotated[
        float | None, typer.Option(min=0, help="Factor of the thresholds; default: 1, ttq: 0.2.")
    ] = None,
    gamma: Annotated[float, typer.Option(help="Where activations are clipped.")] = 3.0,
    act_bits: Annotated[int, typer.Option(min=2, max=8, help="Bits of an activation.")] = 8,
    all_layers: Annotated[
        bool, typer.Option("--all-layers", help="First and last layer too; else they have 8 bits.")
    ] = False,
    images: Images = None,
    float_epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs of float weights; default: the recipe's.")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(min=1, help="Epochs from there on; default: the recipe's.")
    ] = None,
    seed: Seed = 0,
    data: Data = DEBIAN_DATA,
    out: Out = MODELS,
    pretrained: Annotated[
        Path | None, typer.Option(help="File of float weights; written if there is none.")
    ] = None,
    figures: Annotated[Path | None, typer.Option(help="JSON file that takes the figures.")] = None,
) -> None:
    """Trains a CNN with weights of few values on Fashion-MNIST and exports it as QONNX."""
    usual = 0.2 if weights is Weights.TTQ else 1.0
    kind = Kind(weights, usual if t is None else t, gamma, act_bits, all_layers)
    first, second = FIRST.adapted(images, float_epochs), SECOND.adapted(images, epochs)
    training, test = load_split(data, "train"), load_split(data, "t10k")
    state = float_weights(pretrained, training, first, seed)
    begun = build(Kind(Weights.FLOAT, 0, 0, 0, all_layers=False))
    begun.load_state_dict(state)
    begun.eval()
    # Nothing reads memory that nothing wrote.
    torch.utils.deterministic.fill_uninitialized_memory = False
    # The same batches from here on, whether the float weights were found or trained.
    start(seed)
    net = build(kind)
    net.load_state_dict(state, strict=False)
    train(net, TASK, training, second, Distilled(begun))
    share = accuracy(confusion(net, TASK, test))
    found = figures_of(net, kind, share, accuracy(confusion(begun, TASK, test)))
    typer.echo(f"{kind.options}: " + json.dumps({k: v for k, v in found.items() if k != "layers"}))
    if figures is not None:
        store(figures, kind, seed, found)
    if kind.weights is not Weights.FLOAT:
        command = (
            f"python examples/train_nary.py {kind.options} --images {second.images} "
            f"--float-epochs {first.epochs} --epochs {second.epochs} --seed {seed}"
        )
        about = f"3x3 convolutions 32-64-64 and dense 1024-128-10 on Fashion-MNIST, {weights}"
        doc = (
            f"cnn_{weights.file}: {about} weights, input [1, 1, 28, 28] = pixel / 255; "
            f"test accuracy {share:.2%}; made by `{command}`"
        )
        export(net, test, out / f"cnn_{weights.file}.onnx", doc)


if __name__ == "__main__":
    typer.run(main)
