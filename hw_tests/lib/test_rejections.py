"""Bad parameters stop elaboration with a sentence that names the numbers."""

from __future__ import annotations

import pytest
from pyslang import DiagnosticEngine, ast, syntax

from hw_tests.bench.runner import LIBRARY
from hw_tests.bench.wrapper import Parameter, instance

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
    ("bm_thresholds", {"CHANNELS": 5, "PE": 2}, "CHANNELS (5) must be a multiple of PE (2)"),
    ("bm_thresholds_search", {"CHANNELS": 5, "PE": 2}, "CHANNELS (5) must be a multiple of PE (2)"),
    ("bm_lookup", {"CHANNELS": 5, "PE": 2}, "CHANNELS (5) must be a multiple of PE (2)"),
    ("bm_argmax", {"CHANNELS": 5, "PE": 2}, "CHANNELS (5) must be a multiple of PE (2)"),
]


@pytest.mark.parametrize(("cell", "parameters", "message"), REJECTED)
def test_rejects(cell: str, parameters: dict[str, Parameter], message: str) -> None:
    compilation = ast.Compilation()
    top = f"module top;\n{instance(cell, 'bad', parameters, '')}endmodule\n"
    compilation.addSyntaxTree(syntax.SyntaxTree.fromText(top))
    for path in sorted(LIBRARY.glob("bm_*.sv")):
        compilation.addSyntaxTree(syntax.SyntaxTree.fromFile(str(path)))
    engine = DiagnosticEngine(compilation.sourceManager)
    errors = [engine.formatMessage(d) for d in compilation.getAllDiagnostics() if d.isError()]
    assert any(f"{cell}: " in error and message in error for error in errors), errors
