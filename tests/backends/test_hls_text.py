"""Claims about generated HLS C++: names, numbers, streams, and what a reader finds there."""

from __future__ import annotations

import numpy as np
import pytest

from bitmason.backends.design import Port
from bitmason.backends.hls import emit_hls
from bitmason.backends.hls.types import beat_type, elem_type, held_values, initialiser
from bitmason.backends.names import ModuleNames, TypeNames
from bitmason.ir.types import Bipolar, Int, IntType, UInt
from bitmason.pipeline import compile_model
from hw_tests.layers.cases import fifo_case
from hw_tests.models.checks import EXAMPLES


@pytest.fixture(scope="module")
def top() -> str:
    return emit_hls(compile_model(EXAMPLES / "models" / "tfc_w1a1.onnx").design).files["top.cpp"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("fc1", "fc1"),
        ("delete", "delete_layer"),
        ("std", "std_layer"),
        ("PE", "PE_layer"),
        ("INT_MAX", "INT_MAX_layer"),
        ("size_t", "size_t_layer"),
        ("Weight", "Weight_layer"),
    ],
)
def test_types_have_legal_names(name: str, expected: str) -> None:
    assert TypeNames().layer(name) == expected


def test_types_have_names_of_their_own() -> None:
    names = TypeNames()
    assert [names.layer(name) for name in ("PE_layer", "PE", "fc1")] == [
        "PE_layer",
        "PE_layer_layer",
        "fc1",
    ]


@pytest.mark.parametrize("name", ["module", "delete", "EOF", "size_t", "bm_net", "bitmason_run"])
def test_top_is_legal_in_every_language(name: str) -> None:
    assert ModuleNames(name).top == f"{name}_net"
    assert ModuleNames("TFC").top == "TFC"


@pytest.mark.parametrize(
    ("elem", "expected"),
    [(UInt(4), "ap_uint<4>"), (Int(4), "ap_int<4>"), (Bipolar(), "ap_uint<1>")],
)
def test_types_of_elements(elem: IntType, expected: str) -> None:
    assert elem_type(elem) == expected
    assert beat_type(Port(elem, 32, 8)) == f"bitmason::Beat<{expected}, 8>"


def test_constants_are_what_variables_hold() -> None:
    codes = np.arange(4)
    np.testing.assert_array_equal(held_values(codes, Int(2)), [0, 1, -2, -1])
    np.testing.assert_array_equal(held_values(codes, UInt(2)), codes)
    np.testing.assert_array_equal(held_values(np.arange(2), Bipolar()), [0, 1])


def test_initialisers_hold_every_value_in_short_lines() -> None:
    values = np.random.default_rng(0).integers(-(2**40), 2**40, (3, 50))
    text = initialiser(values)
    assert max(map(len, text.splitlines())) <= 100
    rows = text.strip("{}").replace("\n", "").replace(" ", "").split("},{")
    found = [[int(word) for word in row.strip("{},").split(",")] for row in rows]
    np.testing.assert_array_equal(found, values)


def test_fifo_is_the_depth_of_a_stream() -> None:
    emitted = emit_hls(fifo_case("fifo", UInt(3), 8, 5, "shift").design)
    text = emitted.files["top.cpp"]
    assert "// uint3[8], 1 per beat; 5 beats of the bench" in text
    assert "#pragma HLS stream variable = stream0 depth = 7\n" in text
    assert emitted.sources[0].stream == emitted.sinks[0].stream == "stream0"
    assert "stream1" not in text


def test_next_vector_has_room_in_front_of_a_matrix(top: str) -> None:
    assert "// bipolar[784], 49 per beat; 16 beats of the next vector" in top
    assert "#pragma HLS stream variable = stream0 depth = 18\n" in top


def test_layers_are_named_as_trained(top: str) -> None:
    assert "// tfc_w1a1.onnx#/fc1/MatMul:\n// xnor_popcount, 64 x 784 bipolar weights, PE" in top
    assert "  bitmason::mvu<layers::fc1>(stream0, stream1, fc1_weights);\n" in top
    assert "thresholds<layers::act1>(stream1, stream2, act1_steps, act1_descending);" in top


def test_tables_say_how_hardware_holds_them(top: str) -> None:
    assert "#pragma HLS array_reshape variable = fc1_weights complete dim = 2\n" in top
    assert "#pragma HLS bind_storage variable = fc1_weights type = rom_1p impl = " in top
    assert "#pragma HLS array_partition variable = act1_steps complete dim = 2\n" in top
