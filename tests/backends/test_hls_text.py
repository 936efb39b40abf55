"""Claims about generated HLS C++: names, numbers, streams, and what a reader finds there."""

from __future__ import annotations

import re

import numpy as np
import pytest

from bitmason.backends.design import Port
from bitmason.backends.hls import emit_hls
from bitmason.backends.hls.types import beat_type, elem_type, held_values, initialiser
from bitmason.backends.names import ModuleNames, TypeNames
from bitmason.backends.render import TEMPLATES
from bitmason.config import Config
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


def test_no_layer_is_called_like_a_member_of_a_configuration() -> None:
    library = "".join(path.read_text() for path in (TEMPLATES / "hls" / "lib").glob("*.hpp"))
    members = set(re.findall(r"\bC::([A-Z]\w*)", library))
    assert {"Weight", "Values", "PE"} <= members
    assert {TypeNames().layer(name) for name in members} == {f"{name}_layer" for name in members}


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


@pytest.fixture(scope="module")
def adjustable() -> dict[str, str]:
    config = Config(run_time_precision=True)
    model = EXAMPLES / "models" / "tfc_w4a4.onnx"
    return emit_hls(compile_model(model, config).design).files


def test_knobs_are_arguments_of_the_top(adjustable: dict[str, str]) -> None:
    text = adjustable["top.hpp"]
    assert "//   fc1_wbits: 4\n//   fc1_abits: 8\n//   fc2_wbits: 4\n" in text
    assert "    ap_uint<1>& frame_error,\n    unsigned fc1_wbits,\n    unsigned fc1_abits," in text
    assert text.endswith("    unsigned fc4_abits);\n")


def test_knobs_are_registers(adjustable: dict[str, str]) -> None:
    text = adjustable["top.cpp"]
    assert "#pragma HLS interface s_axilite port = fc1_wbits bundle = control\n" in text
    call = text[text.index("  bitmason::knobs<layers::knobs>(stream0, stream1, ") :].split(";")[0]
    assert re.findall(r"stream\d+,\s+(fc\d)_wbits,\s+(fc\d)_abits", call) == [
        (name, name) for name in ("fc1", "fc2", "fc3", "fc4")
    ]
    assert max(map(len, call.splitlines())) <= 100


def test_products_take_vectors_and_settings(adjustable: dict[str, str]) -> None:
    text = adjustable["top.cpp"]
    assert re.search(
        r"  bitmason::mvu_bitserial<layers::fc1>\(stream1, stream\d+, stream2, fc1_weights\);", text
    )
    assert "// uint4[2], 2 per beat\n" in text
    assert re.search(r"// uint8\[784\], \d+ per beat; \d+ beats of the next vector\n", text)
    assert "DEPTHWISE = false;\n  using Product = bitmason::And;\n" in text


def test_settings_are_for_networks_that_have_any(adjustable: dict[str, str], top: str) -> None:
    plain = emit_hls(fifo_case("fifo", UInt(3), 8, 5, "shift").design).files
    assert "sim/settings.h" in adjustable
    assert "sim/settings.h" not in plain
    assert not any("settings" in text for text in (top, *plain.values()))
