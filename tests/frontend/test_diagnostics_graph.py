from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto, helper

from bitmason.diagnostics import CompileError
from bitmason.frontend import import_model
from bitmason.ir import verify
from tests.frontend.onnx_models import (
    Net,
    dense_net,
    diagnostic,
    executor,
    f32,
    golden,
    imported,
    names_of,
    on_grid,
    weights_of,
)

EXPORT_FIXED = (
    "\n  help: export with an example input of batch 1 and without dynamic_axes or dynamic_shapes"
)
EXPORT_AGAIN = "\n  help: export the model again; `onnx.checker.check_model` shows the same fault"
EMPTY = (
    "\n  help: some exporters silently write an empty graph (dynamo does for QuantLSTM): export "
    "with dynamo=False"
)
CONTROL_FLOW = "a pipeline has no control flow: export the model with all branches decided"
NODE_NAMES = "\n  help: give every node a name of its own"
TENSOR_NAMES = "\n  help: give every tensor a name of its own"


@pytest.mark.parametrize(
    ("op", "help_line"),
    [
        ("QLinearConv", "the nearest supported operator is Conv"),
        ("Einsum", "the nearest supported operator is MatMul"),
        ("GridSample", "the nearest supported operator is Resize"),
        ("If", CONTROL_FLOW),
        ("Loop", CONTROL_FLOW),
        ("Scan", CONTROL_FLOW),
        ("Matmull", "did you mean 'MatMul'?"),
    ],
)
def test_unsupported_operator(op: str, help_line: str) -> None:
    net = Net(1, 4)
    net.node(op, "x", name="layer")
    assert diagnostic(net.model()) == (
        f"net.onnx#layer: error[F003]: operator '{op}' is not supported\n  help: {help_line}"
    )


def test_subgraphs_are_not_entered() -> None:
    net = Net(1, 4)
    inner = dense_net()[0].model().graph
    net.node("If", net.const(np.array(True)), then_branch=inner, else_branch=inner)
    assert "error[F003]: operator 'If' is not supported" in diagnostic(net.model())


def test_each_unsupported_operator_is_reported_once_with_all_others() -> None:
    net = Net(1, 4)
    first = net.node("Einsum", net.node("Einsum", "x"))
    net.node("GridSample", net.node("Relu", first))
    net.node("Elu", "x", alpha=3.0)
    lines = diagnostic(net.model("t3", "t4")).splitlines()
    assert [line for line in lines if not line.startswith("  help")] == [
        "net.onnx#n4: error[F014]: Elu has alpha 3, only 1 is supported",
        "net.onnx#n0: error[F003]: operator 'Einsum' is not supported",
        "  note: 1 more of its nodes in this model",
        "net.onnx#n3: error[F003]: operator 'GridSample' is not supported",
    ]


def test_unknown_domain() -> None:
    net = Net(1, 4)
    net.node("Relu", "x", domain="com.example")
    assert diagnostic(net.model()) == (
        "net.onnx#n0: error[F003]: operator 'com.example.Relu' is not supported\n"
        "  help: did you mean 'Relu'?"
    )


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        (["N", 4], "axis 0 of input 'x' is 'N', not a fixed size"),
        ([1, "height"], "axis 1 of input 'x' is 'height', not a fixed size"),
        ([None, 4], "axis 0 of input 'x' is unknown, not a fixed size"),
        ([1, -4], "axis 1 of input 'x' is -4, not a fixed size"),
        (None, "input 'x' has no shape"),
        ([8, 4], "input 'x' has shape [8, 4], not a batch of 1 in front"),
        ([4], "input 'x' has shape [4], not a batch of 1 in front"),
        ([], "input 'x' has shape [], not a batch of 1 in front"),
    ],
)
def test_input_shape_that_is_not_fixed(shape: list[int | str | None] | None, message: str) -> None:
    model = dense_net()[0].model()
    model.graph.input[0].CopyFrom(helper.make_tensor_value_info("x", TensorProto.FLOAT, shape))
    assert diagnostic(model) == f"net.onnx#x: error[F004]: {message}{EXPORT_FIXED}"


def test_absurd_input_shape_is_refused_without_allocating() -> None:
    net = Net(1, 2**40)
    net.node("Flatten", net.node("Mul", net.quant("x"), net.const(f32([2.0]))))
    assert diagnostic(net.model()) == (
        "net.onnx#x: error[F014]: input 'x' has 1099511627776 elements, "
        "at most 16777216 are supported"
    )


def test_absurd_constants_are_refused_without_allocating() -> None:
    net = Net(1, 4)
    shape = net.const(np.array([2**30, 2**30], np.int64))
    grown = net.const(f32([[1.0]]))
    net.node("Add", net.quant("x"), net.node("ConstantOfShape", shape))
    net.node("Add", net.quant("x"), net.node("Expand", grown, shape))
    doubled = net.const(np.zeros(2**20, np.float32))
    for _ in range(40):
        doubled = net.node("Concat", doubled, doubled, axis=0)
    column = net.const(np.zeros((2**13, 1), np.float32))
    net.node("Add", column, net.const(np.zeros((1, 2**13), np.float32)))
    net.node("Add", "x", doubled)
    text = diagnostic(net.model("t2", "t5", net.nodes[-2].output[0], net.nodes[-1].output[0]))
    made = [
        ("ConstantOfShape", 2**60),
        ("Expand", 2**60),
        ("Concat", 2**25),
        ("Add", 2**26),
    ]
    assert [line.split(": ", 2)[2] for line in text.splitlines()] == [
        f"{op} on constants makes {numbers} numbers, at most 16777216 are folded"
        for op, numbers in made
    ]


def test_integer_input() -> None:
    model = dense_net()[0].model()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.UINT8
    assert diagnostic(model) == ("net.onnx#x: error[F014]: input 'x' must be float32 or float64")


def test_two_inputs() -> None:
    model = dense_net()[0].model()
    model.graph.input.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4]))
    assert diagnostic(model) == (
        "net.onnx: error[F014]: the model has 2 inputs ('x', 'y'), one is supported"
    )


@pytest.mark.parametrize(
    ("field", "what"), [("node", "no node"), ("input", "no input"), ("output", "no output")]
)
def test_empty_graph(field: str, what: str) -> None:
    model = dense_net()[0].model()
    model.graph.ClearField(field)
    assert diagnostic(model) == (
        f"net.onnx: error[F015]: the graph has {what}, so there is no network to compile{EMPTY}"
    )


@pytest.mark.parametrize("of", ["input", "constant"])
def test_output_that_no_layer_computes(of: str) -> None:
    net = Net(1, 4)
    net.node("Identity", "x" if of == "input" else net.const(f32([1.0])))
    assert diagnostic(net.model()) == (
        "net.onnx#t0: error[F015]: output 't0' does not depend on any layer\n"
        "  help: compile a model that has at least one layer"
    )


def test_tensor_that_nothing_produces() -> None:
    net = Net(1, 4)
    net.node("Add", net.quant("x"), "nowhere_at_all")
    assert diagnostic(net.model()) == (
        "net.onnx#n1: error[F011]: a node reads tensor 'nowhere_at_all', which nothing produces"
        + EXPORT_AGAIN
    )


def test_misspelt_tensor() -> None:
    net = Net(1, 4)
    net.quant("x")
    net.const(f32(1.0), "first_bias")
    net.node("Add", "t0", "first_bais")
    assert diagnostic(net.model()) == (
        "net.onnx#n1: error[F011]: a node reads tensor 'first_bais', which nothing produces\n"
        "  help: did you mean 'first_bias'?"
    )


def test_output_that_nothing_produces() -> None:
    assert diagnostic(dense_net()[0].model("nowhere_at_all")) == (
        "net.onnx: error[F011]: the graph returns tensor 'nowhere_at_all', which nothing produces"
        + EXPORT_AGAIN
    )


def test_cycle() -> None:
    net = Net(1, 4)
    net.node("Add", "x", "t2")
    net.node("Relu", "t0")
    net.node("Relu", "t1")
    net.node("Relu", "t2")
    assert diagnostic(net.model()) == (
        "net.onnx#n0: error[F011]: the graph has a cycle: this node depends on its own result"
        + EXPORT_AGAIN
    )


def test_nodes_in_any_order() -> None:
    net, _ = dense_net()
    model = net.model()
    expected = imported(model).graph
    nodes = list(model.graph.node)[::-1]
    model.graph.ClearField("node")
    model.graph.node.extend(nodes)
    assert names_of(imported(model).graph) == names_of(expected)


def test_duplicate_node_names() -> None:
    net = Net(1, 4)
    net.node("Relu", net.node("Relu", "x", name="same"), name="same")
    assert diagnostic(net.model()) == (
        "net.onnx#same: error[F012]: two nodes are called 'same'" + NODE_NAMES
    )


def test_tensor_that_two_nodes_write() -> None:
    net = Net(1, 4)
    net.node("Relu", "x")
    net.node("Abs", "x")
    net.nodes[1].output[0] = "t0"
    assert diagnostic(net.model("t0")) == (
        "net.onnx#t0: error[F012]: two nodes write a tensor called 't0'" + TENSOR_NAMES
    )


def test_node_that_writes_a_constant() -> None:
    net = Net(1, 4)
    net.const(f32(1.0), "t0")
    net.node("Relu", "x")
    assert "error[F012]: two nodes write a tensor called 't0'" in diagnostic(net.model("t0"))


def test_two_initialisers_of_one_name() -> None:
    net = Net(1, 4)
    net.const(f32(1.0), "bias")
    net.const(f32(2.0), "bias")
    net.node("Add", net.quant("x"), "bias")
    assert diagnostic(net.model()) == (
        "net.onnx#bias: error[F012]: the model has two initialisers called 'bias'" + TENSOR_NAMES
    )


HOSTILE = [
    "quo\"te's",
    "line\nbreak",
    "../../etc/passwd",
    "module",
    "endmodule",
    "logic",
    "\x1b[31mred",
    "x" * 10_000,
    "9",
    "🐍",
    "%n",
    "a b",
]


def test_hostile_names_import_with_plain_unique_names() -> None:
    net = Net(1, 4)
    tensor = "x"
    for name in HOSTILE:
        net.nodes.append(helper.make_node("Relu", [tensor], [f"t {name}"], name=name))
        tensor = f"t {name}"
    net.nodes.append(helper.make_node("Abs", [tensor], ["9"], name="last"))
    graph = imported(net.model("9")).graph
    verify(graph)
    assert len({node.name for node in graph.nodes}) == len(HOSTILE) + 1
    assert all(len(node.name) <= 50 for node in graph.nodes)
    assert [node.loc.node for node in graph.nodes] == [*HOSTILE, "last"]
    assert all(str(node.loc).isprintable() and len(str(node.loc)) < 160 for node in graph.nodes)


def test_hostile_names_in_messages_are_printable() -> None:
    for name in HOSTILE:
        net = Net(1, 4)
        net.nodes.append(helper.make_node("Einsum", ["x"], ["t0"], name=name))
        text = diagnostic(net.model("t0"))
        assert all(line.isprintable() and len(line) < 200 for line in text.splitlines())
        assert len(text.splitlines()) == 2


def test_nodes_without_names_are_called_by_their_results() -> None:
    net = Net(1, 4)
    net.node("Relu", net.node("Relu", "x", name=""), name="")
    assert [node.loc.node for node in imported(net.model()).graph.nodes] == ["t0", "t1"]


def test_weights_that_stand_among_the_inputs() -> None:
    net, _ = dense_net()
    model = net.model()
    for tensor in model.graph.initializer:
        value = helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims))
        model.graph.input.insert(0, value)
    np.testing.assert_array_equal(
        golden(model, on_grid(4, 4))[0], executor(net.model(), on_grid(4, 4))[0]
    )


def test_missing_operand() -> None:
    net = Net(1, 4)
    net.node("Quant", "x", net.const(f32(1.0)))
    assert diagnostic(net.model()) == "net.onnx#n0: error[F014]: Quant needs 3 operands"


def test_product_of_two_activations() -> None:
    net = Net(1, 4, 4)
    net.node("MatMul", net.quant("x"), net.quant("x"))
    assert diagnostic(net.model()) == (
        "net.onnx#n2: error[F014]: MatMul needs constant weights, both of its operands are "
        "activations"
    )


def test_weights_of_the_wrong_shape() -> None:
    net = Net(1, 4)
    net.node("MatMul", net.quant("x"), net.quant(net.const(weights_of(5, 3))))
    assert diagnostic(net.model()) == (
        "net.onnx#n2: error[F014]: weights of shape [5, 3] do not fit [1, 4]"
    )


def test_location_names_the_file_as_given() -> None:
    net, _ = dense_net()
    data = net.model().SerializeToString()
    assert import_model(data).graph.nodes[0].loc.file == "<bytes>"
    assert import_model(data, "my.onnx").graph.nodes[0].loc.file == "my.onnx"
    with pytest.raises(CompileError, match="<bytes>"):
        import_model(b"")
