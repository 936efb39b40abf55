# SPDX-License-Identifier: Apache-2.0
"""What the training scripts share: Fashion-MNIST, the training loop, measuring and the export.

The same seed, versions and recipe give the same file on the same machine.
"""

import gzip
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import onnx
import torch
import typer
from brevitas.export import export_qonnx
from compaction import compact
from numpy.typing import NDArray
from torch import Tensor, nn

from bitmason.frontend.reference import Executor

DEBIAN_DATA = Path("/usr/share/datasets/fashion-mnist")
EXAMPLES = Path(__file__).resolve().parent
MODELS = EXAMPLES / "models"
SIDE = 28
CLASSES = 10
PIXEL_MAX = 255
OPSET = 14
Loss = Callable[[nn.Module, Tensor, Tensor], Tensor]
IDX_HEADER_BYTES = {"images-idx3": 16, "labels-idx1": 8}
MEASURED_AT_ONCE = 200
CHECKED_IMAGES = 32
CHECKED_BITS = 16
TOLERANCE = 1e-4

# The options of every training script.
Images = Annotated[int | None, typer.Option(min=1, help="Training images; default: all.")]
Epochs = Annotated[int | None, typer.Option(min=1, help="Default: the recipe's.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all randomness.")]
Data = Annotated[Path, typer.Option(help="Folder of the IDX files.")]
Out = Annotated[Path, typer.Option(help="Folder of the exported models.")]


@dataclass(frozen=True)
class Recipe:
    """How one network is trained: AdamW with a cosine learning rate that starts with a warm-up."""

    epochs: int
    learning_rate: float
    batch_size: int
    images: int = 60_000
    weight_decay: float = 0.0
    warmup_fraction: float = 0.1
    half_precision: bool = False
    clip_weights: bool = False

    @property
    def steps(self) -> int:
        """Number of weight updates."""
        return self.epochs * (self.images // self.batch_size)

    def adapted(self, images: int | None, epochs: int | None) -> "Recipe":
        """The recipe with another number of training images or epochs."""
        return replace(self, images=images or self.images, epochs=epochs or self.epochs)


@dataclass(frozen=True)
class Split:
    """Images [n, 28, 28] and labels [n], both as unsigned bytes."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


@dataclass(frozen=True)
class Task:
    """What a network sees of images [n, 28, 28] and what it shall answer to them."""

    inputs: Callable[[Tensor], Tensor]
    targets: Callable[[Tensor, Tensor], Tensor]
    classes: int = CLASSES


def read_idx(path: Path, header_bytes: int) -> NDArray[np.uint8]:
    """The bytes behind the header of a gzip-compressed IDX file."""
    with gzip.open(path, "rb") as stream:
        return np.frombuffer(stream.read(), dtype=np.uint8, offset=header_bytes)


def load_split(folder: Path, prefix: str) -> Split:
    """Reads the `train` or the `t10k` half of Fashion-MNIST from a folder of IDX files."""
    parts = []
    for kind, header_bytes in IDX_HEADER_BYTES.items():
        path = folder / f"{prefix}-{kind}-ubyte.gz"
        if not path.is_file():
            raise typer.BadParameter(
                f"{path} not found; install the data set with "
                "`apt-get install dataset-fashion-mnist` or name its folder with --data"
            )
        parts.append(read_idx(path, header_bytes))
    return Split(parts[0].reshape(-1, SIDE, SIDE), parts[1])


def as_floats(images: Tensor) -> Tensor:
    """Pixel / 255 as [n, 1, 28, 28]."""
    # Division, not multiplication by 1/255: the exported network sees pixel / 255.
    return images[:, None].to(torch.float32) / PIXEL_MAX


def as_labels(images: Tensor, labels: Tensor) -> Tensor:
    """One class an image."""
    del images
    return labels.to(torch.int64)


def learning_rate_factor(step: int, steps: int, warmup_fraction: float) -> float:
    """Rises linearly during the warm-up, then falls to zero along half a cosine."""
    warmup = max(1, round(steps * warmup_fraction))
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1.0 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def batches(split: Split, task: Task, recipe: Recipe) -> Iterator[tuple[Tensor, Tensor]]:
    """The inputs and targets of one epoch, shuffled; what fills no batch is left out."""
    images = torch.from_numpy(split.images[: recipe.images].copy())
    labels = torch.from_numpy(split.labels[: recipe.images].copy())
    order = torch.randperm(len(labels))
    for chosen in order.split(recipe.batch_size)[: len(labels) // recipe.batch_size]:
        inputs = task.inputs(images[chosen])
        yield inputs, task.targets(images[chosen], labels[chosen])


def layout_of(inputs: Tensor) -> torch.memory_format:
    """Channels last for images, which convolutions on a CPU take faster."""
    return torch.channels_last if inputs.dim() == 4 else torch.contiguous_format


def clip_weights(net: nn.Module) -> None:
    """Keeps latent weights within [-1, 1]: beyond it the straight-through gradient is zero."""
    with torch.no_grad():
        for module in net.modules():
            if isinstance(module, (nn.Linear, nn.Conv2d)):
                module.weight.clamp_(-1.0, 1.0)


def start(seed: int) -> None:
    """Makes what follows repeatable."""
    # Two threads on layers this small are slower than one, by far when the machine is busy.
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed)


def cross_entropy(net: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    """The loss of the classes that `net` answers."""
    return nn.functional.cross_entropy(net(inputs).float(), targets)


def train(
    net: nn.Module, task: Task, split: Split, recipe: Recipe, loss_of: Loss = cross_entropy
) -> None:
    """Trains in place, one line of progress per hundred steps on stderr."""
    optimiser = torch.optim.AdamW(
        net.parameters(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: learning_rate_factor(step, recipe.steps, recipe.warmup_fraction)
    )
    net.train()
    step, total = 0, 0.0
    for _ in range(recipe.epochs):
        for inputs, targets in batches(split, task, recipe):
            with torch.autocast("cpu", torch.bfloat16, enabled=recipe.half_precision):
                loss = loss_of(net, inputs.contiguous(memory_format=layout_of(inputs)), targets)
            optimiser.zero_grad()
            torch.autograd.backward(loss)
            optimiser.step()
            schedule.step()
            if recipe.clip_weights:
                clip_weights(net)
            step, total = step + 1, total + loss.item()
            if step % 100 == 0:
                typer.echo(f"step {step}/{recipe.steps}: loss {total / 100:.4f}", err=True)
                total = 0.0


@dataclass(frozen=True)
class Example:
    """One network: how it is built, trained and spoken of."""

    name: str
    about: str
    command: str
    build: Callable[[], nn.Module]
    recipe: Recipe
    task: Task
    fit: Callable[[nn.Module, Task, Split, Recipe], None] = train


def confusion(net: nn.Module, task: Task, split: Split) -> NDArray[np.int64]:
    """How often class `row` was answered by class `column`."""
    counts = np.zeros(task.classes * task.classes, dtype=np.int64)
    net.eval()
    for first in range(0, len(split.labels), MEASURED_AT_ONCE):
        part = slice(first, first + MEASURED_AT_ONCE)
        images = torch.from_numpy(split.images[part].copy())
        labels = torch.from_numpy(split.labels[part].copy())
        inputs = task.inputs(images)
        with torch.no_grad():
            answers = net(inputs.contiguous(memory_format=layout_of(inputs))).argmax(dim=1)
        pairs = task.targets(images, labels) * task.classes + answers
        counts += np.bincount(pairs.flatten().numpy(), minlength=counts.size)
    return counts.reshape(task.classes, task.classes)


def first_inputs(split: Split, task: Task) -> Tensor:
    """The inputs that an export is checked on."""
    return task.inputs(torch.from_numpy(split.images[:CHECKED_IMAGES].copy()))


def accuracy(counts: NDArray[np.int64]) -> float:
    """Share of right answers."""
    return float(np.trace(counts) / counts.sum())


def mean_iou(counts: NDArray[np.int64]) -> float:
    """Intersection over union, averaged over the classes."""
    right = np.diag(counts)
    return float(np.mean(right / (counts.sum(axis=0) + counts.sum(axis=1) - right)))


def measured(counts: NDArray[np.int64], split: Split) -> str:
    """The figures of merit in words; several answers an image are its pixels."""
    share, count = accuracy(counts), len(split.labels)
    if counts.sum() == count:
        return f"test accuracy {share:.2%} on {count} images"
    iou = f"mean IoU {mean_iou(counts):.2%} over {len(counts)} classes"
    return f"pixel accuracy {share:.2%}, {iou}, on {count} test images"


def train_and_export(
    example: Example, images: int | None, epochs: int | None, seed: int, data: Path, out: Path
) -> nn.Module:
    """Trains a network from the seed, measures it on the test set, writes the file; the network."""
    recipe = example.recipe.adapted(images, epochs)
    training, test = load_split(data, "train"), load_split(data, "t10k")
    start(seed)
    net = example.build()
    example.fit(net, example.task, training, recipe)
    result = measured(confusion(net, example.task, test), test)
    command = (
        f"python examples/{example.command} --images {recipe.images} --epochs {recipe.epochs} "
        f"--seed {seed}"
    )
    doc = f"{example.name}: {example.about}; {result}; made by `{command}`"
    export(net, first_inputs(test, example.task), out / f"{example.name}.onnx", doc)
    typer.echo(f"{example.name}: {result}")
    return net


def run(example: Example) -> None:
    """Trains and exports one network as the command line says."""

    def main(
        images: Images = None,
        epochs: Epochs = None,
        seed: Seed = 0,
        data: Data = DEBIAN_DATA,
        out: Out = MODELS,
    ) -> None:
        train_and_export(example, images, epochs, seed, data, out)

    main.__doc__ = f"Trains a {example.about}, and exports it as QONNX."
    typer.run(main)


def export(net: nn.Module, example: Tensor, path: Path, doc: str) -> None:
    """Writes the network as QONNX with a fixed batch of one and 8-bit weight codes.

    The file is checked before it takes its name: it answers `example` as the network does.
    """
    net.eval().to(memory_format=torch.contiguous_format)
    with torch.no_grad():
        wanted = net(example).numpy()
    exported = as_qonnx(net, example[:1])
    exported.graph.name = path.stem
    exported.doc_string = doc
    model = compact(exported)
    onnx.checker.check_model(model, skip_opset_compatibility_check=True)
    check(model, exported, example.numpy(), wanted)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    onnx.save(model, draft)
    draft.replace(path)


def as_qonnx(net: nn.Module, frame: Tensor) -> onnx.ModelProto:
    """What Brevitas exports for inputs of the shape of `frame`."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "exported.onnx"
        # The TorchScript exporter keeps the module names and the opset; the dynamo one does not.
        export_qonnx(
            net,
            args=frame,
            export_path=str(path),
            input_names=["image"],
            output_names=["logits"],
            opset_version=OPSET,
            dynamo=False,
            keep_initializers_as_inputs=False,
        )
        return onnx.load(path)


def check(
    model: onnx.ModelProto,
    exported: onnx.ModelProto,
    inputs: NDArray[np.float32],
    wanted: NDArray[np.float32],
) -> None:
    """Holds the file to the network within rounding, and to its uncompacted form bit for bit."""
    found = answers_of(model, inputs)
    few = inputs[:CHECKED_BITS]
    if not np.array_equal(answers_of(model, few), answers_of(exported, few)):
        raise RuntimeError("the compacted weights change the answers")
    error = float(np.abs(found - wanted).max())
    same = float(np.mean(found.argmax(axis=1) == wanted.argmax(axis=1)))
    typer.echo(f"QONNX and PyTorch differ by at most {error:.1e}; equal labels: {same:.2%}")
    if error > TOLERANCE:
        raise RuntimeError(f"the exported network answers differently, by {error}")


def answers_of(model: onnx.ModelProto, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the QONNX executor computes."""
    executor = Executor(model.SerializeToString(), len(inputs))
    return np.asarray(executor.run(inputs)[executor.outputs[0]])
