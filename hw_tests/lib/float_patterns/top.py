"""The top module: every engine reads one word, or one word a lane.

Each kind of engine has a clock of its own, so that Verilator evaluates no other kind with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from bitmason.ir.custom_float import NEAREST, CustomFloat
from hw_tests.lib.float_patterns.formats import (
    DECODED,
    E_MAX,
    ENCODED,
    EXPANDED,
    M_MAX,
    ROUNDINGS,
)

LANES = 16
ENCODERS = tuple((form, rounding) for form in ENCODED for rounding in ROUNDINGS)
FIXED_W = 64


def _instance(cell: str, name: str, values: dict[str, int], ports: Sequence[str]) -> str:
    parameters = ", ".join(f".{key}({value})" for key, value in values.items())
    return f"  {cell} #({parameters}) u_{name} ({', '.join(ports)});\n"


def _shape(form: CustomFloat) -> dict[str, int]:
    return {"E_BITS": form.e_bits, "M_BITS": form.m_bits}


def _encoders() -> str:
    text = ""
    for i, (form, rounding) in enumerate(ENCODERS):
        rest = {"BIAS": form.bias, "LARGEST": form.top, "NEAREST": int(rounding == NEAREST)}
        text += f"  assign codes[{32 * i + 31}:{32 * i + form.bits}] = '0;\n" * (form.bits < 32)
        ports = (".x(encoded_q)", f".code(codes[{32 * i}+:{form.bits}])")
        text += _instance("bm_float_encode", f"encode{i}", _shape(form) | rest, ports)
    return text


def _decoders() -> str:
    text = ""
    for i, form in enumerate(DECODED):
        rest = {"BIAS": form.bias, "SUBNORMALS": int(form.subnormals)}
        ports = (f".code(decoded_q[{form.bits - 1}:0])", f".x(numbers[{32 * i}+:32])")
        text += _instance("bm_float_decode", f"decode{i}", _shape(form) | rest, ports)
    for i, form in enumerate(EXPANDED):
        rest = {"SUBNORMALS": int(form.subnormals), "OUT_W": FIXED_W}
        ports = (f".x(decoded_q[{form.bits - 1}:0])", f".fixed(fixed[{FIXED_W * i}+:{FIXED_W}])")
        text += _instance("bm_float_to_fixed", f"fixed{i}", _shape(form) | rest, ports)
    return text


def _streams() -> str:
    e_high, m_high = E_MAX.bit_length() - 1, (M_MAX + 1).bit_length() - 1
    shape = f".e_bits(e_bits[{e_high}:0]), .m_bits(m_bits[{m_high}:0]), .bias(bias)"
    control = ".s_axis_tvalid(1'b1), .m_axis_tready(1'b1), .s_axis_tready(), .m_axis_tvalid()"
    ports = f".clk(clk_var), .rst(1'b0), {shape}, {control}"
    values = {"LANES": LANES, "E_MAX": E_MAX, "M_MAX": M_MAX}
    rounded = ".full(full), .nearest(nearest), .s_axis_tdata(lane_words_q)"
    compressor = (ports, rounded, ".m_axis_tdata(lane_slots)")
    decompressor = (ports, ".s_axis_tdata(slots)", ".m_axis_tdata(lane_numbers)")
    return _instance("bm_float_compressor_var", "compressor", values, compressor) + _instance(
        "bm_float_decompressor_var", "decompressor", values, decompressor
    )


def text() -> str:
    """The top module."""
    slot, high = 1 + E_MAX + M_MAX, 32 * LANES - 1
    head = (
        "module top (\n"
        "  input clk_encode, clk_decode, clk_var,\n"
        "  input [31:0] word,\n"
        f"  input [{high}:0] lane_words,\n"
        "  input [31:0] e_bits, m_bits,\n  input [7:0] bias,\n  input full, nearest,\n"
        f"  output [{32 * len(ENCODERS) - 1}:0] codes,\n"
        f"  output [{32 * len(DECODED) - 1}:0] numbers,\n"
        f"  output [{FIXED_W * len(EXPANDED) - 1}:0] fixed,\n"
        f"  output [{high}:0] lane_codes, lane_numbers\n"
        ");\n"
        "  logic [31:0] encoded_q, decoded_q;\n"
        f"  logic [{high}:0] lane_words_q;\n"
        f"  logic [{slot * LANES - 1}:0] slots, lane_slots;\n"
        "  always_ff @(posedge clk_encode) encoded_q <= word;\n"
        "  always_ff @(posedge clk_decode) decoded_q <= word;\n"
        "  always_ff @(posedge clk_var) lane_words_q <= lane_words;\n"
        f"  for (genvar i = 0; i < {LANES}; i++) begin : gen_lane\n"
        f"    assign slots[i*{slot}+:{slot}] = lane_words_q[i*32+:{slot}];\n"
        f"    assign lane_codes[i*32+:32] = 32'(lane_slots[i*{slot}+:{slot}]);\n"
        "  end\n"
    )
    return f"{head}{_streams()}{_encoders()}{_decoders()}endmodule\n"
