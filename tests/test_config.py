"""The configuration: every wrong key has a diagnostic of its own."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.config import DEFAULT_MAX_CYCLES, Config, load_config, make_config
from bitmason.diagnostics import CompileError, Loc


def _load(tmp_path: Path, text: str | bytes, **options: Any) -> Config:
    path = tmp_path / "c.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_config(path, options)


def _fault(tmp_path: Path, text: str | bytes, **options: Any) -> str:
    with pytest.raises(CompileError) as caught:
        _load(tmp_path, text, **options)
    assert {d.code for d in caught.value.diagnostics} == {"C001"}
    return str(caught.value).replace(f"{tmp_path}/", "")


def test_everything_that_may_be_said(tmp_path: Path) -> None:
    config = _load(
        tmp_path,
        """
        clock_mhz = 250
        max_cycles = 64
        target_fps = 1e6
        target = "xilinx"
        device = "xc7z020"
        argmax = true
        input = { type = "uint8", scale = "1/255" }
        [layers.fc1]
        pe = 4
        simd = 8
        mmv = 2
        engine = "xnor"
        memory = "block"
        multipliers = "dsp"
        [layers."/fc2/MatMul"]
        pe = 2
        """,
    )
    assert config.cycles_wanted == 64
    assert config.input is not None
    assert config.input.exact_scale == Fraction(1, 255)
    assert config.device == "xc7z020"
    assert config.layers["fc1"].engine == "xnor"
    assert config.layers["fc1"].mmv == 2
    assert make_config(config.model_dump(mode="json", exclude_none=True), Loc("x")) == config


def test_nothing_said() -> None:
    assert load_config(None, {"max_cycles": None}) == Config()
    assert Config().cycles_wanted == DEFAULT_MAX_CYCLES == 1024
    assert not Config().has_target


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("max_cycels = 5", "there is no key 'max_cycels'\n  help: did you mean 'max_cycles'?"),
        ("layer.fc1.pe = 1", "there is no key 'layer'\n  help: did you mean 'layers'?"),
        ("layers.fc1.simt = 1", "there is no key 'layers.fc1.simt'\n  help: did you mean 'simd'?"),
        (
            "layers.fc1.zzz = 1",
            "there is no key 'layers.fc1.zzz'\n"
            "  help: the keys here are pe, simd, mmv, engine, memory, multipliers, "
            "run_time_precision",
        ),
        (
            'input = { type = "int8", scal = 1 }',
            "there is no key 'input.scal'\n  help: did you mean 'scale'?",
        ),
        ("layers = 3", "'layers' is '3': must be a table of keys and values"),
        ("layers.fc1 = [1]", "'layers.fc1' is '[1]': must be a table of keys and values"),
        ("input = 3", "'input' is '3': must be a table of keys and values"),
        ("input.scale = 1", "'input.type' is missing"),
        ("max_cycles = 0", "'max_cycles' is '0': must be greater than or equal to 1"),
        ("max_cycles = -4", "'max_cycles' is '-4': must be greater than or equal to 1"),
        ("max_cycles = 1.5", "'max_cycles' is '1.5': must be a valid integer"),
        ("max_cycles = true", "'max_cycles' is 'True': must be a valid integer"),
        ('max_cycles = "1"', "'max_cycles' is '1': must be a valid integer"),
        ("target_fps = 0", "'target_fps' is '0': must be greater than 0"),
        ("target_fps = nan", "'target_fps' is 'nan': must be a finite number"),
        ("target_fps = inf", "'target_fps' is 'inf': must be a finite number"),
        ("clock_mhz = 2001", "'clock_mhz' is '2001': must be less than or equal to 2000"),
        ("clock_mhz = nan", "'clock_mhz' is 'nan': must be a finite number"),
        ('target = "intel"', "'target' is 'intel': must be 'generic' or 'xilinx'"),
        ("argmax = 1", "'argmax' is '1': must be a valid boolean"),
        ("layers.fc1.pe = 0", "'layers.fc1.pe' is '0': must be greater than or equal to 1"),
        ("layers.fc1.mmv = 0", "'layers.fc1.mmv' is '0': must be greater than or equal to 1"),
        ("device = 7", "'device' is '7': must be a valid string"),
        ("layers.fc1.engine = 3", "'layers.fc1.engine' is '3': must be a valid string"),
        (
            'layers."a\\nb\\u001b".pe = "x"',
            "'layers.a\\nb\\x1b.pe' is 'x': must be a valid integer",
        ),
        (
            f"{'k' * 9999} = 1",
            f"there is no key '{'k' * 32}...{'k' * 16} (9999 characters)'"
            "\n  help: the keys here are clock_mhz, max_cycles, target_fps, target, device, "
            "argmax, run_time_precision, float_ports, bus_bits, input, layers",
        ),
    ],
)
def test_wrong_keys_and_values(tmp_path: Path, text: str, message: str) -> None:
    assert _fault(tmp_path, text) == f"c.toml: error[C001]: {message}"


@pytest.mark.parametrize(
    "name", ["uint0", "int1", "int33", "uint33", "int64", "bipolar", "real", "", "uint8 ", "x"]
)
def test_types_that_no_input_has(tmp_path: Path, name: str) -> None:
    assert "must be uint1 to uint32 or int2 to int32" in _fault(tmp_path, f'input.type = "{name}"')
    long = f'input.type = "uint{"9" * 5000}"'
    assert "must be uint1 to uint32 or int2 to int32" in _fault(tmp_path, long)


@pytest.mark.parametrize(
    "scale", ["nan", "inf", "[1]", "true", '""', '"a"', '"1/0"', '"1e999999999"', '"1_0"', '"1/"']
)
def test_scales_that_are_no_numbers(tmp_path: Path, scale: str) -> None:
    shown = _fault(tmp_path, f'input = {{ type = "int8", scale = {scale} }}')
    assert shown.endswith(': must be a number or a fraction such as "1/255"')


@pytest.mark.parametrize("scale", ["0", "-1", '"-1/2"', "-0.0"])
def test_scales_that_are_not_positive(tmp_path: Path, scale: str) -> None:
    shown = _fault(tmp_path, f'input = {{ type = "int8", scale = {scale} }}')
    assert shown.endswith(": must be positive")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a =", "is not valid TOML: Invalid value (at end of document)"),
        ("a = 1\na = 2", "is not valid TOML: Cannot overwrite a value"),
        ("x = " + "[" * 5000, "is not valid TOML: it is nested too deeply"),
        ("max_cycles = " + "1" * 5000, "is not valid TOML: Exceeds the limit"),
        (b"a = 1\0", "is not valid TOML: Expected newline"),
        (b"\xff\xfe\x00", "cannot be read: it is not UTF-8 text"),
    ],
)
def test_damaged_files(tmp_path: Path, text: str | bytes, reason: str) -> None:
    assert _fault(tmp_path, text).startswith(f"c.toml: error[C001]: the configuration {reason}")


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for name, reason in (
        ("absent.toml", "no such file or directory"),
        (".", "is a directory"),
        ("n" * 300, "file name too long"),
    ):
        with pytest.raises(CompileError) as caught:
            load_config(tmp_path / name, {})
        assert f"the configuration cannot be read: {reason}" in str(caught.value)


def test_options_override_the_file_and_answer_for_themselves(tmp_path: Path) -> None:
    assert _load(tmp_path, "max_cycles = 0", max_cycles=9).max_cycles == 9
    shown = _fault(tmp_path, "clock_mhz = 0", max_cycles=0)
    assert sorted(shown.splitlines()) == [
        "<options>: error[C001]: 'max_cycles' is '0': must be greater than or equal to 1",
        "c.toml: error[C001]: 'clock_mhz' is '0': must be greater than 0",
    ]


positive = st.floats(min_value=0, exclude_min=True, allow_infinity=False)


@given(fps=positive, clock=st.floats(0.001, 2000), cycles=st.none() | st.integers(1))
def test_the_target_in_cycles_meets_both_wishes(
    fps: float, clock: float, cycles: int | None
) -> None:
    wanted = Config(target_fps=fps, clock_mhz=clock, max_cycles=cycles).cycles_wanted
    assert wanted >= 1
    assert cycles is None or wanted <= cycles
    assert wanted == 1 or wanted * fps <= clock * 1e6 * (1 + 1e-12)
