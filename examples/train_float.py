# SPDX-License-Identifier: Apache-2.0
# Torch need not be installed where the types are checked.
"""Trains float networks on Fashion-MNIST, for `bitmason formats`, and exports them as ONNX.

The last of the training images are held back: the search of formats measures on them, so that the
test images stay unseen until a network is chosen.
"""

import itertools
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import onnx
import torch
import typer
from numpy.typing import NDArray
from torch import Tensor, nn
from training import (
    CLASSES,
    DEBIAN_DATA,
    EXAMPLES,
    OPSET,
    TOLERANCE,
    Data,
    Epochs,
    Out,
    Recipe,
    Seed,
    Split,
    Task,
    accuracy,
    answers_of,
    as_floats,
    as_labels,
    confusion,
    first_inputs,
    load_split,
    start,
    train,
)

FLOAT = EXAMPLES / "float"
SEARCHED_IMAGES = 5000
TASK = Task(as_floats, as_labels)


class Kind(StrEnum):
    """The two networks."""

    LENET5 = "lenet5"
    CNV = "cnv"


ABOUT = {
    Kind.LENET5: "LeNet-5: 5x5 convolutions 6 and 16, max pools, dense 400-120-84-10",
    Kind.CNV: "narrow CNV: 3x3 convolutions 16-16-pool-32-32-pool-64, dense 256-128-128-10",
}
RECIPES = {
    Kind.LENET5: Recipe(epochs=12, learning_rate=0.003, batch_size=100, weight_decay=0.01),
    Kind.CNV: Recipe(epochs=8, learning_rate=0.004, batch_size=100, weight_decay=0.01),
}
# Outputs and padding of the 3x3 convolutions; a pool follows where the third entry says so.
CONVOLUTIONS = (
    (16, 1, False),
    (16, 0, True),
    (32, 0, False),
    (32, 0, True),
    (64, 0, False),
)


def lenet5() -> nn.Sequential:
    """LeNet-5 with ReLU and max pools."""
    net = nn.Sequential()
    inputs = 1
    for index, (outputs, padding) in enumerate(((6, 2), (16, 0)), 1):
        net.add_module(f"conv{index}", nn.Conv2d(inputs, outputs, 5, padding=padding))
        net.add_module(f"relu{index}", nn.ReLU())
        net.add_module(f"pool{index}", nn.MaxPool2d(2))
        inputs = outputs
    return with_dense(net, (400, 120, 84))


def cnv() -> nn.Sequential:
    """CNV with fewer channels; the norms are part of the convolutions once it is trained."""
    net = nn.Sequential()
    inputs = 1
    for index, (outputs, padding, pooled) in enumerate(CONVOLUTIONS, 1):
        net.add_module(f"conv{index}", nn.Conv2d(inputs, outputs, 3, padding=padding))
        net.add_module(f"bn{index}", nn.BatchNorm2d(outputs))
        net.add_module(f"relu{index}", nn.ReLU())
        if pooled:
            net.add_module(f"pool{index}", nn.MaxPool2d(2))
        inputs = outputs
    return with_dense(net, (256, 128, 128))


def with_dense(net: nn.Sequential, widths: tuple[int, ...]) -> nn.Sequential:
    """The network with its classifier; the names of modules become those of exported nodes."""
    net.add_module("flatten", nn.Flatten())
    for index, (inputs, outputs) in enumerate(itertools.pairwise(widths), 1):
        net.add_module(f"fc{index}", nn.Linear(inputs, outputs))
        net.add_module(f"fc_relu{index}", nn.ReLU())
    net.add_module(f"fc{len(widths)}", nn.Linear(widths[-1], CLASSES))
    return net


def folded(net: nn.Sequential) -> nn.Sequential:
    """The trained network without norms."""
    net.eval()
    plain = nn.Sequential()
    modules = dict(net.named_children())
    for name, module in modules.items():
        norm = modules.get(name.replace("conv", "bn"))
        if isinstance(module, nn.Conv2d) and norm is not None and norm is not module:
            plain.add_module(name, torch.nn.utils.fusion.fuse_conv_bn_eval(module, norm))
        elif not isinstance(module, nn.BatchNorm2d):
            plain.add_module(name, module)
    return plain.eval()


def export(net: nn.Module, example: Tensor, path: Path, doc: str) -> None:
    """Writes the network with a fixed batch of one, once it is held to what PyTorch answers."""
    net.eval().to(memory_format=torch.contiguous_format)
    with torch.no_grad():
        wanted = net(example).numpy()
    model = as_onnx(net, example[:1])
    model.graph.name = path.stem
    model.doc_string = doc
    onnx.checker.check_model(model)
    error = float(np.abs(answers_of(model, example.numpy()) - wanted).max())
    if error > TOLERANCE:
        raise RuntimeError(f"the exported network answers differently, by {error}")
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    onnx.save(model, draft)
    draft.replace(path)


def as_onnx(net: nn.Module, frame: Tensor) -> onnx.ModelProto:
    """What PyTorch exports for inputs of the shape of `frame`."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "exported.onnx"
        # The TorchScript exporter keeps the module names and the opset; the dynamo one does not.
        torch.onnx.export(
            net,
            (frame,),
            str(path),
            input_names=["image"],
            output_names=["logits"],
            opset_version=OPSET,
            dynamo=False,
        )
        return onnx.load(path)


def write_arrays(folder: Path, searched: Split, test: Split) -> None:
    """Writes what `bitmason formats` reads: inputs and labels, to search on and to test on."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, split in (("search", searched), ("test", test)):
        images: NDArray[np.float32] = as_floats(torch.from_numpy(split.images.copy())).numpy()
        np.save(folder / f"{name}_x.npy", images)
        np.save(folder / f"{name}_y.npy", split.labels)


def main(
    kind: Annotated[Kind, typer.Option(help="Which network.")],
    epochs: Epochs = None,
    seed: Seed = 0,
    data: Data = DEBIAN_DATA,
    out: Out = FLOAT,
    arrays: Annotated[
        Path | None, typer.Option(help="Folder for the arrays that the search reads.")
    ] = None,
) -> None:
    """Trains a float network on Fashion-MNIST and exports it as ONNX."""
    whole, test = load_split(data, "train"), load_split(data, "t10k")
    seen = len(whole.labels) - SEARCHED_IMAGES
    recipe = RECIPES[kind].adapted(seen, epochs)
    if arrays is not None:
        write_arrays(arrays, Split(whole.images[seen:], whole.labels[seen:]), test)
    start(seed)
    net = cnv() if kind is Kind.CNV else lenet5()
    train(net, TASK, whole, recipe)
    net = folded(net)
    share = accuracy(confusion(net, TASK, test))
    command = f"python examples/train_float.py --kind {kind} --epochs {recipe.epochs} --seed {seed}"
    doc = (
        f"{kind}: {ABOUT[kind]}, float32, on the first {seen} training images of Fashion-MNIST, "
        f"input [1, 1, 28, 28] = pixel / 255; test accuracy {share:.2%}; made by `{command}`"
    )
    export(net, first_inputs(test, TASK), out / f"{kind}.onnx", doc)
    typer.echo(f"{kind}: test accuracy {share:.2%}")


if __name__ == "__main__":
    typer.run(main)
