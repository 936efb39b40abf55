"""hls4ml with our layers equals the golden model, also where it is wrong without them."""

import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.hls_speed import plain_hls4ml
from bitmason.backends.dataflow import build_design
from bitmason.config import Config, LayerConfig
from bitmason.diagnostics import CompileError, Loc
from bitmason.frontend.reference import Executor
from bitmason.frontend.samples import sample_inputs
from bitmason.hls4ml_bridge import convert, run, run_integers
from bitmason.hls4ml_bridge.nodes import nodes_of
from bitmason.ir import (
    Bipolar,
    Builder,
    Const,
    Folding,
    Graph,
    Int,
    IntType,
    TensorType,
    UInt,
)
from bitmason.ir.interp import run as golden
from bitmason.ir.ops.arg_max import ArgMax
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.lookup import Lookup
from bitmason.ir.ops.shape import Reshape
from bitmason.ir.ops.thresholds import Thresholds
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.pipeline import Compiled, compile_model
from bitmason.toolchain import hls
from hw_tests.layers.bench import random_values
from tests.frontend.onnx_models import Net, f32

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "examples" / "models"
SHARED = ROOT.parent / "shared" / "models"
TEMPLATES = ROOT / "bitmason" / "templates" / "hls"
FRAMES = 100
LOC = Loc("grid.onnx", "layer")


def executed(model: Path, x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what the QONNX executor computes."""
    executor = Executor(model.read_bytes(), len(x))
    return np.asarray(executor.run(x.reshape(len(x), *executor.frame))[executor.outputs[0]])


@pytest.mark.parametrize(
    "model",
    [
        MODELS / "tfc_w1a1.onnx",
        pytest.param(SHARED / "bench" / "tfc_w1a1.onnx", marks=pytest.mark.slow),
    ],
    ids=["trained", "bench"],
)
def test_is_right_on_one_bit_where_hls4ml_alone_is_wrong(model: Path, tmp_path: Path) -> None:
    skip_without(model)
    compiled = compile_model(model)
    x = sample_inputs(compiled.imported, FRAMES, 0)
    labels = executed(model, x).argmax(axis=1)
    plain = plain_hls4ml(model, tmp_path / "plain")
    plain.compile()
    assert np.mean(plain.predict(x).argmax(axis=1) == labels) < 0.5
    found, simulated = converted(compiled, x, tmp_path / "ours"), compiled.simulate(x)
    for ours, theirs in zip(found, simulated.integers, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(simulated.output.argmax(axis=1), labels)


@pytest.mark.slow
@pytest.mark.parametrize(
    "model",
    [MODELS / "tfc_w2a2.onnx", MODELS / "tfc_w4a4.onnx", SHARED / "bench" / "tfc_w2a2.onnx"],
    ids=["w2a2", "w4a4", "bench_w2a2"],
)
def test_network_equals_golden(model: Path, tmp_path: Path) -> None:
    skip_without(model)
    # Unasked, the first layer of the last one is bit-serial.
    bench = {"v_1": LayerConfig(engine="parallel")} if "bench" in model.parts else {}
    compiled = compile_model(model, Config(layers=bench))
    x = sample_inputs(compiled.imported, FRAMES, 0)
    found = converted(compiled, x, tmp_path)
    for ours, theirs in zip(found, compiled.simulate(x).integers, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("engine", ["bitserial", "ras"])
def test_an_engine_that_hls4ml_has_not(engine: str) -> None:
    net = Net(1, 6)
    x = net.quant("x", 1.0)
    weights = f32(np.random.default_rng(0).integers(-1, 2, (6, 2)))
    net.node("MatMul", x, net.quant(net.const(weights), 1.0), name="fc")
    config = Config(layers={"fc": LayerConfig(engine=engine)})
    compiled = compile_model(net.model().SerializeToString(), config, name="net.onnx")
    with pytest.raises(CompileError) as caught:
        nodes_of(compiled.design)
    assert str(caught.value) == (
        f"net.onnx#fc: error[B003]: dense 'fc' with engine '{engine}' has no layer in hls4ml\n"
        "  help: set layers.fc.engine = 'parallel' in the configuration"
    )


@pytest.mark.slow
def test_floating_point_equals_golden(tmp_path: Path) -> None:
    net, rng = Net(1, 12), np.random.default_rng(0)
    x = net.float_quant("x")
    for shape in ((12, 8), (8, 5)):
        weights = net.float_quant(net.const(f32(rng.standard_normal(shape) * 0.3)))
        x = net.float_quant(net.node("Relu", net.node("MatMul", x, weights)))
    config = Config(layers={"n2": LayerConfig(engine="minifloat")})
    compiled = compile_model(net.model().SerializeToString(), config, name="net.onnx")
    engines = {layer.engine for layer in compiled.design.layers}
    assert engines >= {"minifloat", "parallel", "compressor"}
    inputs = sample_inputs(compiled.imported, FRAMES, 0)
    found = converted(compiled, inputs, tmp_path)
    for ours, theirs in zip(found, compiled.simulate(inputs).integers, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_every_layer_equals_golden_with_branches_and_several_exits(tmp_path: Path) -> None:
    design = build_design(every_layer(), Config())
    cells = {layer.engine if layer.op == "thresholds" else layer.op for layer in design.layers}
    assert cells >= {"dense", "comparators", "search", "lookup", "xnor_popcount", "arg_max"}
    model = convert(Compiled(b"", "grid.onnx", design, Config()), tmp_path)
    model.compile()
    entering = random_values(np.random.default_rng(0), Int(4), (FRAMES, 3, 8))
    for frames in (FRAMES, 1):  # hls4ml returns a single frame without its batch axis
        found = run_integers(design, model, entering[:frames])
        wanted = golden(design.graph, {design.entry: entering[:frames]})
        for ours, theirs in zip(found, wanted, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def every_layer() -> Graph:
    """Return a graph in which every layer occurs; words of both sides divide the other's."""
    rng = np.random.default_rng(1)

    def dense(x: str, w: IntType, outputs: int, folding: Folding, groups: int = 1) -> str:
        columns = builder.type_of(x).shape[-1] // groups
        weights = Const.integers(random_values(rng, w, (outputs, columns)))
        return builder.add(Dense(weights, w, groups), [x], LOC, "dense", folding)

    def thresholds(x: str, steps: int, out: IntType, base: int, folding: Folding) -> str:
        channels = builder.type_of(x).shape[-1]
        table = np.sort(rng.integers(-30, 30, (channels, steps)), axis=1)
        falls = Const(np.arange(channels) % 3 == 0)
        op = Thresholds(Const.integers(table), falls, base, out)
        return builder.add(op, [x], LOC, "steps", folding)

    builder = Builder("grid")
    x = builder.input("input", TensorType((3, 8), Int(4)), LOC)  # no layer of hls4ml may be that
    few = thresholds(dense(x, Int(3), 6, Folding(3, 4), 2), 3, UInt(2), 0, Folding(3))
    flat = builder.add(Reshape((18,)), [few], LOC)
    sums = dense(flat, Bipolar(), 4, Folding(1, 18))
    x_lo = builder.type_of(sums).int_elem.lo
    reach = builder.type_of(sums).int_elem.hi - x_lo + 1
    entries = Const.integers(rng.integers(-8, 8, (4, reach)))
    looked = builder.add(Lookup(entries, x_lo, Int(4)), [sums], LOC, "entries", Folding(2))
    many = thresholds(sums, 7, Int(4), -3, Folding(2, engine="search"))
    signs = thresholds(dense(many, Int(2), 8, Folding(8, 2)), 1, Bipolar(), 0, Folding(8))
    bits = Const.integers(random_values(rng, Bipolar(), (5, 8)))
    agree = builder.add(XnorPopcount(bits), [signs], LOC, "agree", Folding(5, 4))
    label = builder.add(ArgMax(), [agree], LOC, "label", Folding(5))
    return builder.finish([looked, signs, label])


def test_refuses_every_layer_that_hls4ml_cannot_be_given(tmp_path: Path) -> None:
    with pytest.raises(CompileError) as caught:
        convert(compile_model(MODELS / "kws_w4a4.onnx"), tmp_path / "kws")
    refused = [found.message for found in caught.value.diagnostics]
    assert {found.code for found in caught.value.diagnostics} == {"B003"}
    assert "windows 'stem_conv_conv_windows' has no layer in hls4ml" in refused
    assert "depthwise 'dw1_conv_conv' has no layer in hls4ml" in refused
    assert not (tmp_path / "kws").exists()


@pytest.mark.parametrize(
    ("shape", "folding", "message"),
    [
        (
            (3, 8),
            Folding(1, 4, mmv=3),
            "'last' takes 3 pixels side by side, hls4ml one after the other",
        ),
        ((24,), Folding(1, 12), "'last' takes 12 elements at a time from pixels of 8"),
    ],
    ids=["lanes", "words"],
)
def test_refuses_streams_that_hls4ml_does_not_have(
    shape: tuple[int, ...], folding: Folding, message: str, tmp_path: Path
) -> None:
    with pytest.raises(CompileError, match=f"B003.*{message}"):
        convert(one_product(shape, folding), tmp_path)


def test_refuses_to_return_the_input(tmp_path: Path) -> None:
    product = one_product((8,), Folding(1, 8)).design.graph
    both = build_design(product.with_nodes(product.nodes, ("x", "last")), Config())
    with pytest.raises(CompileError, match="hls4ml cannot return the network's own input"):
        convert(Compiled(b"", "grid.onnx", both, Config()), tmp_path)


def test_tells_which_folder_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CompileError, match=r"C002.*bitmason\.onnx cannot be written"):
        convert(one_product((8,), Folding(1, 8)), tmp_path / "file" / "project")


def one_product(shape: tuple[int, ...], folding: Folding) -> Compiled:
    """Return a network of one product, of pixels of 8 channels that the shape may have joined."""
    builder = Builder("grid")
    x = builder.input("x", TensorType((3, 8) if shape == (24,) else shape, Int(4)), LOC)
    if shape == (24,):
        x = builder.add(Reshape(shape), [x], LOC)
    weights = Const.integers(np.ones((2, shape[-1]), np.int64))
    builder.add(Dense(weights, UInt(1)), [x], LOC, "last", folding)
    design = build_design(builder.finish(["last"]), Config())
    return Compiled(b"", "grid.onnx", design, Config())


def test_header_compiles_without_a_warning() -> None:
    ap_types = hls.find().folder
    command = ["g++", "-std=c++14", "-Wall", "-Wextra", "-Wno-unknown-pragmas", "-Werror"]
    command += [f"-I{TEMPLATES}", f"-I{TEMPLATES / 'lib'}", "-isystem", str(ap_types)]
    command += ["-isystem", str(ap_types.parent / "nnet_utils"), "-fsyntax-only", "-xc++", "-"]
    program = '#include "hls4ml/nnet_bitmason.h"\n'
    subprocess.run(command, input=program, text=True, check=True)


def skip_without(model: Path) -> None:
    if not model.exists():
        pytest.skip(f"{model.name} is among the shared models, which are not here")


def converted(compiled: Compiled, x: NDArray[np.float32], folder: Path) -> tuple[Any, ...]:
    """Return what the network computes inside hls4ml."""
    model = convert(compiled, folder)
    model.compile()
    return run(compiled, model, x)
