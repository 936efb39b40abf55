"""Bad parameters stop elaboration with a sentence that names the numbers."""

from __future__ import annotations

import re
from functools import cache

import pytest
from pyslang import Bag, DiagnosticEngine, ast, syntax

from hw_tests.bench.runner import LIBRARY
from hw_tests.bench.wrapper import Bits, Parameter, instance

REJECTED: list[tuple[str, dict[str, Parameter], str]] = [
    ("bm_fifo", {"DEPTH": 1}, "DEPTH (1) must be 2 or more"),
    ("bm_fifo", {"STYLE": "ultra"}, "must be shift, distributed or block, not ultra"),
    ("bm_rom", {"STYLE": "srl"}, "must be auto, block, distributed or logic, not srl"),
    ("bm_replay", {"LENGTH": 0}, "LENGTH (0) and REPEATS (2) must be 1 or more"),
    ("bm_replay", {"STYLE": "logic"}, "must be auto, distributed or block, not logic"),
    ("bm_mvu", {"MW": 9, "SIMD": 4}, "MW (9) must be a multiple of SIMD (4)"),
    ("bm_mvu", {"MH": 5, "PE": 2}, "MH (5) must be a multiple of PE (2)"),
    ("bm_mvu", {"ENGINE": "ras"}, "must be parallel, select or xnor, not ras"),
    ("bm_mvu", {"ENGINE": "select", "W_W": 2}, "takes weights of 1 bit, not 2"),
    ("bm_mvu", {"ENGINE": "xnor", "W_W": 1, "IN_W": 2}, "takes inputs of 1 bit, not 2"),
    ("bm_mvu", {"ENGINE": "select", "W_W": 1, "ACC_W": 1}, "2 bits or more, not 1"),
    ("bm_mvu", {"GROUPS": 0}, "GROUPS (0) and LANES (1) must be 1 or more"),
    ("bm_mvu_bitserial", {"MW": 9}, "MW (9) must be a multiple of SIMD (4)"),
    ("bm_mvu_bitserial", {"MH": 5}, "MH (5) must be a multiple of PE (2)"),
    ("bm_mvu_bitserial", {"DEPTHWISE": True}, "with DEPTHWISE, MH (4) must be PE (2)"),
    ("bm_mvu_bitserial", {"PRODUCT": "nor"}, "must be and, select or xnor, not nor"),
    ("bm_mvu_bitserial", {"PRODUCT": "select"}, "select takes weights of 1 bit, not 4"),
    ("bm_mvu_bitserial", {"PRODUCT": "xnor", "W_W": 1}, "takes inputs of 1 bit, not 4"),
    ("bm_mvu_bitserial", {"PRODUCT": "select", "W_W": 1, "ACC_W": 1}, "2 bits or more, not 1"),
    ("bm_planes", {"TAKE": 3}, "WIDTH (8) must be a multiple of TAKE (3)"),
    ("bm_planes", {"GROUPS": 0}, "ROWS (2), GROUPS (0) and LANES (1) must be 1 or more"),
    ("bm_planes", {"RUN_TIME": True, "KNOB_W": 2}, "KNOB_W (2) is too narrow for W_W (4)"),
    ("bm_planes", {"RUN_TIME": True, "VECTORS": 0}, "VECTORS (0) must be 1 or more"),
    ("bm_planes", {"RAM_STYLE": "logic"}, "must be auto, distributed or block, not logic"),
    ("bm_xnor_popcount", {"OP": "or"}, "OP must be xnor or and, not or"),
    ("bm_xnor_counter", {"OP": "or"}, "OP must be xnor or and, not or"),
    ("bm_vvu", {"CHANNELS": 5}, "CHANNELS (5) must be a multiple of PE (2)"),
    ("bm_vvu", {"TAPS": 9, "SIMD": 2}, "TAPS (9) must be a multiple of SIMD (2)"),
    ("bm_vvu", {"ENGINE": "xnor"}, "must be parallel or select, not xnor"),
    ("bm_vvu", {"ENGINE": "select"}, "takes weights of 1 bit, not 4"),
    ("bm_pool", {"OP": "min"}, "OP must be max or sum, not min"),
    ("bm_pool", {"TAPS": 9, "SIMD": 2}, "TAPS (9) must be a multiple of SIMD (2)"),
    ("bm_pool", {"OUT_W": 3}, "OUT_W (3) must be at least IN_W (4) for a maximum"),
    ("bm_global_pool", {"OP": "mean"}, "OP must be max or sum, not mean"),
    ("bm_global_pool", {"FOLDS": 0}, "FOLDS (0) and PIXELS (16) must be 1 or more"),
    ("bm_global_pool", {"OUT_W": 3}, "OUT_W (3) must be at least IN_W (4)"),
    ("bm_beat_place", {"BEATS": 0}, "BEATS (0) must be 1 or more"),
    ("bm_join", {"OP": "max"}, "OP must be sum or product, not max"),
    ("bm_join", {"FOLDS": 0}, "FOLDS (0) and PE (2) must be 1 or more"),
    ("bm_join_table", {"CHANNELS": 5}, "CHANNELS (5) must be a multiple of PE (2)"),
    ("bm_thresholds", {"CHANNELS": 5, "PE": 2}, "CHANNELS (5) must be a multiple of PE (2)"),
    ("bm_thresholds_search", {"CHANNELS": 5, "PE": 2}, "CHANNELS (5) must be a multiple of PE (2)"),
    ("bm_thresholds_float", {"CHANNELS": 5, "PE": 2}, "CHANNELS (5) must be a multiple of PE (2)"),
    ("bm_thresholds_float", {"FRACTION": 0}, "FRACTION (0) must be 1 or more to find halves"),
    (
        "bm_thresholds_float",
        {"FRACTION": 0, "SUBNORMALS": True, "NEAREST": True},
        "FRACTION (0) must be 1 or more to find halves",
    ),
    ("bm_thresholds_float", {"BASE": 119}, "BASE (119) must be less than TOP (119)"),
    ("bm_thresholds_float", {"OUT_W": 6}, "OUT_W (6) must hold BASE (0) to TOP (119)"),
    ("bm_thresholds_float", {"BASE": -1}, "OUT_W (7) must hold BASE (-1) to TOP (119)"),
    ("bm_lookup", {"CHANNELS": 5, "PE": 2}, "CHANNELS (5) must be a multiple of PE (2)"),
    ("bm_argmax", {"CHANNELS": 5, "PE": 2}, "CHANNELS (5) must be a multiple of PE (2)"),
    ("bm_window", {"WORDS": 0}, "BLOCKS (1) and WORDS (0) must be 1 or more"),
    ("bm_window", {"KH": 0}, "the window (0 x 3) must be 1 x 1 or more"),
    ("bm_window", {"SW": 0}, "the stride (1 x 0) must be 1 x 1 or more"),
    ("bm_window", {"DH": 0}, "the dilation (0 x 1) must be 1 x 1 or more"),
    ("bm_window", {"DW": 2, "DEPTH": 99}, "3 x 5 pixels does not fit an image of 4 x 4"),
    ("bm_window", {"DEPTH": 10}, "DEPTH (10) must be 11 or more"),
    ("bm_window", {"RAM_STYLE": "logic"}, "must be auto, distributed or block, not logic"),
    ("bm_window_parallel", {"CF": 0}, "CF (0) and LANES_IN (1) must be 1 or more"),
    ("bm_window_parallel", {"KW": 0}, "the window (3 x 0) must be 1 x 1 or more"),
    ("bm_window_parallel", {"SH": 0}, "the stride (0 x 1) must be 1 x 1 or more"),
    ("bm_window_parallel", {"DW": 0}, "the dilation (1 x 0) must be 1 x 1 or more"),
    ("bm_window_parallel", {"KH": 5}, "5 x 3 pixels does not fit an image of 4 x 4"),
    ("bm_window_parallel", {"LANES_IN": 3}, "W (4) must be a multiple of LANES_IN (3)"),
    ("bm_window_parallel", {"LANES_IN": 4, "SW": 3}, "(4) must be 1 or a multiple of SW (3)"),
    ("bm_window_parallel", {"LANES_IN": 4}, "row (2) must be a multiple of LANES_OUT (4)"),
    ("bm_window_parallel", {"RAM_STYLE": "srl"}, "must be auto, distributed or block, not srl"),
    ("bm_stride_counter", {"STEP": 0}, "STEP (0) and COUNT (8) must be 1 or more"),
    ("bm_stride_counter", {"LENGTH": 5, "COUNT": 6}, "position 5 is marked, but LENGTH is 5"),
    ("bm_pad", {"H": 0}, "H (0) and W (4) must be 1 or more"),
    ("bm_pad", {"STEP_X": 0}, "STEP_Y (1) and STEP_X (0) must be 1 or more"),
    ("bm_pad", {"LANES": 2, "CF": 3}, "2 LANES need CF = 1 and STEP_X = 1, not 3 and 1"),
    ("bm_pad", {"LANES": 2, "STEP_X": 2}, "2 LANES need CF = 1 and STEP_X = 1, not 1 and 2"),
    (
        "bm_pad",
        {"LANES": 2, "W": 5},
        "W (5) and the padded width (7) must be multiples of LANES (2)",
    ),
    ("bm_pad", {"LANES": 2, "LEFT": 2}, "the padded width (7) must be multiples of LANES (2)"),
    ("bm_concat", {"INPUTS": 0}, "INPUTS (0) must be 1 or more"),
    ("bm_concat", {"COUNTS": Bits(3, 64)}, "input 1 must give 1 beat per pixel or more, not 0"),
    ("bm_fork", {"OUTPUTS": 0}, "OUTPUTS (0) must be 1 or more"),
    ("bm_crop", {"SY": 0}, "SY (0), SX (1) and SC (1) must be 1 or more"),
    ("bm_crop", {"OUT_W": 0}, "OUT_H (4), OUT_W (0) and OUT_CF (1) must be 1 or more"),
    ("bm_crop", {"Y0": 1, "SY": 2, "OUT_H": 3}, "row 5 is to be kept, but H is 4"),
    ("bm_crop", {"X0": 1}, "column 4 is to be kept, but W is 4"),
    ("bm_crop", {"C0": 1}, "word 1 is to be kept, but CF is 1"),
    ("bm_upsample", {"CF": 0}, "W (4) and CF (0) must be 1 or more"),
    ("bm_upsample", {"FX": 0}, "FY (2) and FX (0) must be 1 or more"),
    ("bm_upsample", {"RAM_STYLE": "logic"}, "must be auto, distributed or block, not logic"),
    ("bm_reorder", {"LENGTH": 0}, "LENGTH (0) must be 1 or more"),
    ("bm_reorder", {"RAM_STYLE": "ultra"}, "must be auto, distributed or block, not ultra"),
    ("bm_ras_core", {"MW": 9}, "MW (9) must be a multiple of SIMD (4)"),
    ("bm_ras_core", {"TAKE": 3}, "SIMD (4) must be a multiple of TAKE (3)"),
    ("bm_ras_core", {"SCALERS": 3}, "PE*SIMD (8) must be a multiple of SCALERS (3)"),
    ("bm_ras_core", {"STEPS": 0}, "LANES (1), STEPS (0) and PLACES (4) must be 1 or more"),
    ("bm_ras_vectors", {"MW": 9}, "MW (9) must be a multiple of SIMD (4)"),
    ("bm_ras_vectors", {"TAKE": 3}, "SIMD (4) must be a multiple of TAKE (3)"),
    ("bm_ras_vectors", {"RAM_STYLE": "logic"}, "must be auto, distributed or block, not logic"),
    ("bm_ras_lane", {"SUM_W": 7}, "SUM_W (7) must be IN_W (8) or more"),
    ("bm_ras_lists", {"ADDERS": 0}, "ADDERS (0) and WORDS (16) must be 1 or more"),
    ("bm_ras_lists", {"WORDS": 0}, "ADDERS (8) and WORDS (0) must be 1 or more"),
    ("bm_ras_lists", {"RAM_STYLE": "logic"}, "must be auto, distributed or block, not logic"),
    ("bm_ras_coded", {"LANES": 0}, "LANES (0) must be 1 or more and CLASSES (2) from 1 to 8"),
    ("bm_ras_coded", {"CLASSES": 9}, "LANES (1) must be 1 or more and CLASSES (9) from 1 to 8"),
    ("bm_rom_stream", {"WORDS": 0}, "WORDS (0) must be 1 or more"),
    ("bm_huffman_decoder", {"SYMBOLS": 2}, "SYMBOLS (2) must be from 3 to 32"),
    ("bm_huffman_decoder", {"SYMBOLS": 33}, "SYMBOLS (33) must be from 3 to 32"),
    ("bm_huffman_decoder", {"CODE_W": 5}, "CODE_W (5) must be 4 or less"),
    ("bm_huffman_decoder", {"LENGTHS": Bits(0x44D21, 128)}, "must be 12 or less (13)"),
    ("bm_huffman_decoder", {"LENGTHS": Bits(0x03421, 128)}, "that of the end not 0 (0)"),
    ("bm_huffman_decoder", {"LENGTHS": Bits(0x43321, 128)}, "LENGTHS need 17 codes of 4 bits"),
    ("bm_gap_decoder", {"ROWS": 0}, "ROWS (0) and COLUMNS (8) must be 1 or more"),
    ("bm_gap_decoder", {"CODE_W": 0}, "3 or more and CODE_W (0) 1 or more"),
    ("bm_gap_decoder", {"SYMBOLS": 2}, "SYMBOLS (2) must be 3 or more"),
    ("bm_bit_counter", {"INPUTS": 4}, "INPUTS (4) must be 3, 5, 6 or 7"),
    ("bm_bit_counter", {"OUTPUTS": 4}, "OUTPUTS (4) must be 1 to 3, or to 2 for 3 inputs"),
    ("bm_compressor_tree", {"BITS": 5}, "BITS (5) must be the sum of HEIGHTS (12)"),
    ("bm_xnor_counter", {"INPUTS": 1}, "INPUTS (1) must be at least 2"),
    ("bm_xnor_popcount", {"N": 0}, "N (0) must be at least 1"),
    ("bm_xnor_popcount", {"TARGET": "ice40"}, "TARGET (ice40) must be generic or xilinx"),
    ("bm_knobs", {"BEATS": 0}, "BEATS (0) must be 1 or more, OUTPUTS (3) 2 or more"),
    ("bm_knobs", {"OUTPUTS": 1}, "BEATS (4) must be 1 or more, OUTPUTS (1) 2 or more"),
    ("bm_thresholds", {"STEPS": 0}, "STEPS (0) must be 1 or more"),
    ("bm_thresholds_search", {"STEPS": 0}, "STEPS (0) must be 1 or more"),
    ("bm_widen", {"CODE": "ones"}, "CODE must be unsigned, signed or bipolar, not ones"),
    ("bm_widen", {"IN_W": 4, "OUT_W": 4}, "OUT_W (4) must be more than IN_W (4)"),
    ("bm_widen", {"CODE": "bipolar", "IN_W": 2}, "bipolar elements have 1 bit, not 2"),
    ("bm_float_to_fixed", {"E_BITS": 9}, "E_BITS (9) must be from 1 to 8 and M_BITS (3) 23 or"),
    ("bm_float_expand", {"IN_W": 9}, "IN_W (9) must be from 1 to 8"),
    ("bm_float_expand", {"IN_SIGNED": False}, "IN_W (8) must be from 1 to 7"),
    ("bm_float_factors", {"OUT_W": 5}, "numbers of 4 bits pass as they are, not as 5"),
    ("bm_float_factors", {"E_BITS": 2, "IN_W": 0}, "IN_W (0) must be from 1 to 3"),
    ("bm_float_factors", {"E_BITS": 2}, "IN_W (4) must be from 1 to 3"),
    ("bm_float_factors", {"E_BITS": 2, "M_BITS": 1, "RANK": True}, "IN_W (4) must be from 1 to 3"),
    ("bm_float_encode", {"E_BITS": 8}, "E_BITS (8) must be from 1 to 7 and M_BITS (3) 23 or"),
    ("bm_float_encode", {"BIAS": 128}, "BIAS (128) must be from -112 to 127"),
    ("bm_float_encode", {"LARGEST": 128}, "LARGEST (128) must be from 8 to 127"),
    ("bm_float_encode", {"LARGEST": 7}, "LARGEST (7) must be from 8 to 127"),
    ("bm_float_compressor", {"LANES": 0}, "LANES (0) must be 1 or more"),
    ("bm_float_decode", {"M_BITS": 24}, "E_BITS (4) must be from 1 to 7 and M_BITS (24) 23 or"),
    ("bm_float_decode", {"BIAS": -113}, "BIAS (-113) must be from -112 to 127"),
    ("bm_float_decode", {"BIAS": 125, "SUBNORMALS": True}, "must be from -112 to 124"),
    ("bm_float_decompressor", {"LANES": 0}, "LANES (0) must be 1 or more"),
    ("bm_float_decompressor", {"IN_W": 0}, "IN_W (0) must be from 1 to 8"),
    ("bm_float_decompressor", {"IN_W": 9}, "IN_W (9) must be from 1 to 8"),
    ("bm_float_constants", {"E_MAX": 8}, "E_MAX (8) must be from 1 to 7 and M_MAX (6) 23 or"),
    ("bm_float_compressor_var", {"LANES": 0}, "LANES (0) must be 1 or more"),
    ("bm_float_decompressor_var", {"LANES": 0}, "LANES (0) must be 1 or more"),
    ("bm_float_knobs", {"BEATS": 0}, "BEATS (0) must be 1 or more"),
    ("bm_float_knobs", {"E_MAX": 1}, "E_MAX (1) must be 2 or more, as one code is reserved"),
    ("bm_float_compressor_knobs", {"LANES": 0}, "LANES (0) must be 1 or more"),
    ("bm_float_decompressor_knobs", {"LANES": 0}, "LANES (0) must be 1 or more"),
    ("bm_pack", {"BEATS": 0}, "BEAT_W (24), WORD_W (32) and BEATS (0) must be 1 or more"),
    ("bm_unpack", {"WORD_W": 0}, "WORD_W (0), BEAT_W (24) and BEATS (4) must be 1 or more"),
]


@cache
def library() -> list[syntax.SyntaxTree]:
    """All cells, read once for all tests."""
    return [syntax.SyntaxTree.fromFile(str(path)) for path in sorted(LIBRARY.glob("bm_*.sv"))]


@cache
def errors_of(case: int) -> list[str]:
    """What is said of a rejected cell; no other cell is elaborated."""
    cell, parameters, _ = REJECTED[case]
    options = Bag()
    options.compilationOptions = ast.CompilationOptions()
    options.compilationOptions.topModules = {"top"}
    compilation = ast.Compilation(options)
    top = f"module top;\n{instance(cell, 'bad', parameters, '')}endmodule\n"
    for tree in (syntax.SyntaxTree.fromText(top), *library()):
        compilation.addSyntaxTree(tree)
    engine = DiagnosticEngine(compilation.sourceManager)
    return [engine.formatMessage(d) for d in compilation.getAllDiagnostics() if d.isError()]


@pytest.mark.parametrize(
    "case", [pytest.param(i, id=f"{cell}-{text}") for i, (cell, _, text) in enumerate(REJECTED)]
)
def test_rejects(case: int) -> None:
    cell, _, message = REJECTED[case]
    errors = errors_of(case)
    assert any(f"{cell}: " in error and message in error for error in errors), errors


def test_each_sentence_is_said() -> None:
    """Of all cells: none rejects something that no case above has."""
    texts = (path.read_text() for path in sorted(LIBRARY.glob("bm_*.sv")))
    sentences = {found for text in texts for found in re.findall(r'\$error\("([^"]*)"', text)}
    said = "\n".join(error for case in range(len(REJECTED)) for error in errors_of(case))
    unsaid = [sentence for sentence in sorted(sentences) if not _pattern(sentence).search(said)]
    assert not unsaid


def _pattern(sentence: str) -> re.Pattern[str]:
    """What a sentence looks like with its numbers and words filled in."""
    return re.compile(re.escape(sentence).replace("%0d", r"-?\d+").replace("%s", r"\w*"))
