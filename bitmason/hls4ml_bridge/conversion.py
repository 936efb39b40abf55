"""Have hls4ml convert a compiled network, and run what it made.

Invariant: the integers that enter and leave hls4ml are those of the golden model's integer part.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx

from bitmason.backends.design import Design
from bitmason.backends.hls.types import elem_type
from bitmason.diagnostics import Loc, fail
from bitmason.hls4ml_bridge.nodes import INPUT, leaving_values, nodes_of, origin
from bitmason.ir.types import Array, Bipolar, IntArray, IntType
from bitmason.pipeline import Compiled
from bitmason.simulation import entering_integers
from bitmason.toolchain import hls

NODES = "bitmason.onnx"


def convert(compiled: Compiled, folder: Path | str, **options: Any) -> Any:
    """Return hls4ml's `ModelGraph` of the integer part of a network.

    Its layers are ours, its project, streams and tables are hls4ml's; `compile()` and `predict()`
    work as ever. Bipolar numbers enter and leave as 0 and 1.

    Args:
        compiled: a network of matrix products, thresholds, lookup tables and a final argmax.
        folder: where hls4ml writes its project.
        options: of `hls4ml.converters.convert_from_onnx_model`: `part`, `project_name`, ...

    Raises:
        CompileError: B003 for each layer that hls4ml cannot be given, T007 without hls4ml, C002
            when the folder cannot be written.
    """
    nodes, folder = nodes_of(compiled.design), Path(folder)
    hls.find()  # which is part of hls4ml
    from hls4ml.converters import convert_from_onnx_model

    from bitmason.hls4ml_bridge.layers import BACKEND, register

    register()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        onnx.save(nodes, folder / NODES)
    except OSError as error:
        fail("C002", f"{NODES} cannot be written: {error.strerror}", loc=Loc(folder.name))
    entering = elem_type(compiled.design.source.elem)
    return convert_from_onnx_model(
        str(folder / NODES),
        output_dir=str(folder),
        backend=BACKEND,
        io_type="io_stream",
        hls_config={
            "Model": {"Precision": "fixed<16,6>", "ReuseFactor": 1},
            "LayerName": {INPUT: {"Precision": {"result": entering}}},
        },
        **{"clock_period": 1000 / compiled.design.clock_mhz, **options},
    )


def run(compiled: Compiled, model: Any, x: Array) -> tuple[IntArray, ...]:
    """Return the integers that the compiled `model` makes of a batch, an array for each exit.

    They are `compiled.simulate(x).integers`, from hls4ml's emulation.

    Args:
        compiled: the network.
        model: what `convert` made of it, after its `compile()`.
        x: as `Compiled.simulate` takes it.
    """
    design = compiled.design
    return run_integers(design, model, entering_integers(design.graph, design.entry, x))


def run_integers(design: Design, model: Any, entering: IntArray) -> tuple[IntArray, ...]:
    """Return what leaves the hardware for the integers that enter it, as `run` does."""
    graph, frames = design.graph, len(entering)
    held = _in_cpp(graph[design.entry].type.int_elem, entering)
    found = model.predict(held.astype(np.float64, order="C"))
    values = leaving_values(design)
    left = dict(zip(values, [found] if len(values) == 1 else found, strict=True))
    results: list[IntArray] = []
    for name in design.exits:
        type_ = graph[name].type
        numbers = left[origin(design, name)].reshape(frames, *type_.shape).astype(np.int64)
        results.append(_from_cpp(type_.int_elem, numbers))
    return tuple(results)


def _in_cpp(elem: IntType, values: IntArray) -> IntArray:
    """Return what C++ variables hold for `values`: the numbers, or the codes of bipolar ones."""
    return elem.encode(values) if isinstance(elem, Bipolar) else values


def _from_cpp(elem: IntType, numbers: IntArray) -> IntArray:
    return elem.decode(numbers) if isinstance(elem, Bipolar) else numbers
