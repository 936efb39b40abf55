"""Diagnostics: what the user reads, whatever the model file holds."""

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.codes import CODES
from bitmason.diagnostics import (
    Collector,
    CompileError,
    Diagnostic,
    Loc,
    did_you_mean,
    fail,
    quote,
)

FULL = Diagnostic(
    "F003",
    "operator 'Quantt' is not supported",
    Loc("tfc.onnx", "Quantt_3"),
    ("domain 'qonnx.custom_op.general'", "opset 1"),
    "did you mean 'Quant'?",
)


def test_text() -> None:
    assert str(FULL) == (
        "tfc.onnx#Quantt_3: error[F003]: operator 'Quantt' is not supported\n"
        "  note: domain 'qonnx.custom_op.general'\n"
        "  note: opset 1\n"
        "  help: did you mean 'Quant'?"
    )


def test_text_without_place_notes_and_help() -> None:
    assert str(Diagnostic("F001", "the file is empty")) == "error[F001]: the file is empty"


def test_json_is_one_line_with_every_part() -> None:
    text = FULL.to_json()
    assert "\n" not in text
    assert json.loads(text) == {
        "code": "F003",
        "severity": "error",
        "message": "operator 'Quantt' is not supported",
        "file": "tfc.onnx",
        "node": "Quantt_3",
        "notes": ["domain 'qonnx.custom_op.general'", "opset 1"],
        "help": "did you mean 'Quant'?",
    }


def test_json_without_place_notes_and_help() -> None:
    found = json.loads(Diagnostic("F001", "the file is empty").to_json())
    assert (found["file"], found["node"], found["notes"], found["help"]) == (None, None, [], None)


@given(st.text(max_size=30), st.text(max_size=30))
def test_json_keeps_hostile_names(file: str, node: str) -> None:
    text = Diagnostic("F001", "m", Loc(file, node)).to_json()
    assert "\n" not in text
    assert json.loads(text)["node"] == node


@pytest.mark.parametrize(
    ("loc", "text"),
    [
        (Loc("a.onnx"), "a.onnx"),
        (Loc("a.onnx", "fc1"), "a.onnx#fc1"),
        (Loc("a.onnx", "fc\n1"), "a.onnx#fc\\n1"),
        (Loc("a\x1b[2J.onnx", ""), "a\\x1b[2J.onnx"),
        (Loc("a.onnx", "n" * 200), f"a.onnx#{'n' * 48}...{'n' * 24} (200 characters)"),
    ],
)
def test_place(loc: Loc, text: str) -> None:
    assert str(loc) == text


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("fc1", "'fc1'"),
        ("", "''"),
        ("a\nb", "'a\\nb'"),
        ("\x1b[31mred", "'\\x1b[31mred'"),
        ("\x00", "'\\x00'"),
        ("\u202eevil", "'\\u202eevil'"),
        ("\ud800", "'\\ud800'"),
        ("größe 日本", "'größe 日本'"),
        ("x" * 64, f"'{'x' * 64}'"),
        ("x" * 65, f"'{'x' * 32}...{'x' * 16} (65 characters)'"),
        ("a" * 40 + "b" * 1000, f"'{'a' * 32}...{'b' * 16} (1040 characters)'"),
    ],
)
def test_quote_by_hand(name: str, shown: str) -> None:
    assert quote(name) == shown


@given(st.text(max_size=300))
def test_quoted_names_are_printable_and_short(name: str) -> None:
    shown = quote(name)
    assert shown.isprintable()
    assert len(shown) <= 90


def test_every_diagnostic_line_begins_as_expected_even_with_a_hostile_place() -> None:
    text = str(Diagnostic("F001", "m", Loc("a\nerror[F002]: forged", "b\r\nhelp: forged")))
    assert text.splitlines() == ["a\\nerror[F002]: forged#b\\r\\nhelp: forged: error[F001]: m"]


def test_fail_raises_one_diagnostic() -> None:
    with pytest.raises(CompileError) as caught:
        fail("F003", FULL.message, loc=FULL.loc, notes=list(FULL.notes), help=FULL.help)
    assert caught.value.diagnostics == (FULL,)
    assert str(caught.value) == str(FULL)


def test_an_unknown_code_is_our_fault() -> None:
    with pytest.raises(AssertionError, match=r"X999 is not in bitmason\.codes"):
        Diagnostic("X999", "m")
    with pytest.raises(AssertionError, match="F03 "):
        fail("F03", "m")


def test_an_error_without_diagnostics_is_our_fault() -> None:
    with pytest.raises(AssertionError, match="without a diagnostic"):
        CompileError([])


def test_collector_shows_everything_once_and_in_order() -> None:
    first, second = Diagnostic("F001", "one"), Diagnostic("F002", "two")
    errors = Collector()
    assert not errors
    errors.raise_if_any()
    errors.add(CompileError([first]))
    errors.add(CompileError([second, first]))
    errors.add(CompileError([second]))
    assert errors
    with pytest.raises(CompileError) as caught:
        errors.raise_if_any()
    assert caught.value.diagnostics == (first, second)
    assert str(caught.value) == "error[F001]: one\nerror[F002]: two"


def test_collector_keeps_equal_messages_of_different_places() -> None:
    errors = Collector()
    for node in ("fc1", "fc2"):
        errors.add(CompileError([Diagnostic("F001", "m", Loc("a.onnx", node))]))
    with pytest.raises(CompileError) as caught:
        errors.raise_if_any()
    assert len(caught.value.diagnostics) == 2


@pytest.mark.parametrize(
    ("name", "known", "answer"),
    [
        ("Quantt", ["Quant", "Relu"], "did you mean 'Quant'?"),
        ("quant", ["Quant", "Relu"], "did you mean 'Quant'?"),
        ("GEMM", ["Gemm"], "did you mean 'Gemm'?"),
        ("Attention", ["Quant", "Relu"], None),
        ("", ["Quant"], None),
        ("Quant", [], None),
    ],
)
def test_did_you_mean(name: str, known: list[str], answer: str | None) -> None:
    assert did_you_mean(name, known) == answer
    assert did_you_mean(name, iter(known)) == answer


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_code_is_explained(code: str) -> None:
    assert code[0] in "FIPBCST"
    assert len(code) == 4
    assert code[1:].isdecimal()
    entry = CODES[code]
    assert entry.title.strip() == entry.title
    assert not entry.title.endswith(".")
    assert re.match(r"[A-Z`]|g\+\+|qonnx", entry.cause)
    assert entry.cause.endswith(".")
    is_command = entry.cure.startswith(("pip install", "apt-get install"))
    starts_well = entry.cure[0].isupper() or entry.cure.startswith("`") or is_command
    assert starts_well, entry.cure
    assert entry.cure.endswith(".") or is_command
    assert all(part.isprintable() for part in (entry.title, entry.cause, entry.cure))


def test_codes_are_numbered_without_gaps_and_in_order() -> None:
    for prefix in "FIPBCST":
        numbers = [int(code[1:]) for code in CODES if code[0] == prefix]
        assert numbers == list(range(1, len(numbers) + 1)), prefix


def test_titles_are_unique() -> None:
    titles = [entry.title for entry in CODES.values()]
    assert len(set(titles)) == len(titles)
