"""What a user may choose: the target, the clock, and the folding of single layers.

Invariant: every key of a configuration file is checked before anything is compiled.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Collection
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bitmason.diagnostics import CompileError, Diagnostic, Loc, did_you_mean, fail, quote
from bitmason.ir.types import Int, UInt, parse_elem

DEFAULT_MAX_CYCLES = 1024
_OPTIONS = "<options>"
_MAX_TEXT, _MAX_INPUT_BITS = 40, 32


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LayerConfig(_Strict):
    """Choices for one layer; what is left out is chosen by the folding search."""

    pe: int | None = Field(default=None, ge=1, description="outputs computed at once")
    simd: int | None = Field(default=None, ge=1, description="inputs taken at once")
    mmv: int | None = Field(default=None, ge=1, description="pixels worked on side by side")
    engine: str = Field(
        default="", description="how the operation is built; pe or simd alone mean the usual way"
    )
    memory: str = Field(
        default="",
        description="where its constants live: block or logic; "
        "coded or loaded, for weights of few values",
    )
    multipliers: str = Field(default="", description="what multiplies: lut or dsp")
    run_time_precision: bool | None = Field(
        default=None, description="whether its precision may change from frame to frame"
    )


def _fraction(value: object) -> Fraction | None:
    """Return `value` exactly, or None if it is no number; a text is digits, "/" and "." only."""
    if isinstance(value, str) and not re.fullmatch(r"-?[0-9.]{1,40}(/[0-9]{1,40})?", value):
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return Fraction(value)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None


class InputConfig(_Strict):
    """The integers that arrive at the hardware, where the model itself does not say.

    An input `x` of the model stands for the integer `x / scale` of the given type.
    """

    type: str = Field(description="uint8, int6, ...")
    scale: float | str = Field(default=1.0, description='a number, or a fraction such as "1/255"')

    @field_validator("type")
    @classmethod
    def _known(cls, text: str) -> str:
        elem = parse_elem(text) if len(text) <= _MAX_TEXT else None
        if not isinstance(elem, UInt | Int) or not 1 + elem.signed <= elem.bits <= _MAX_INPUT_BITS:
            raise ValueError("must be uint1 to uint32 or int2 to int32")
        return text

    @field_validator("scale", mode="before")
    @classmethod
    def _positive(cls, value: object) -> object:
        scale = _fraction(value)
        if scale is None:
            raise ValueError('must be a number or a fraction such as "1/255"')
        if scale <= 0:
            raise ValueError("must be positive")
        return value

    @property
    def elem(self) -> UInt | Int:
        """The integer type."""
        elem = parse_elem(self.type)
        assert isinstance(elem, UInt | Int)
        return elem

    @property
    def exact_scale(self) -> Fraction:
        """The scale as an exact fraction."""
        return Fraction(self.scale)


class Config(_Strict):
    """Everything that `compile` may be told about a network."""

    clock_mhz: float = Field(
        default=200.0, gt=0, le=2000, allow_inf_nan=False, description="clock of the design, MHz"
    )
    max_cycles: int | None = Field(default=None, ge=1, description="cycles between frames, at most")
    target_fps: float | None = Field(
        default=None, gt=0, allow_inf_nan=False, description="frames per second, at least"
    )
    target: Literal["generic", "xilinx"] = Field(
        default="generic", description="cells for one kind of device, or plain SystemVerilog"
    )
    device: str = Field(default="", description="device whose resources the design must not exceed")
    argmax: bool | None = Field(
        default=None,
        description="label chosen in hardware: true adds it, false leaves it to the host",
    )
    run_time_precision: bool = Field(
        default=False,
        description="precision of products, and formats of compressors at ports, may change from "
        "frame to frame",
    )
    float_ports: Literal["input", "outputs", "both"] | None = Field(
        default=None, description="where the hardware itself takes or gives float32 numbers"
    )
    bus_bits: int | None = Field(
        default=None,
        ge=8,
        le=1024,
        multiple_of=8,
        description="width of the data ports, bits: elements lie in words without gaps",
    )
    input: InputConfig | None = None
    layers: dict[str, LayerConfig] = Field(default_factory=dict)

    @property
    def cycles_wanted(self) -> int:
        """The largest number of cycles between frames that meets the target."""
        limits = []
        if self.max_cycles is not None:
            limits.append(self.max_cycles)
        if self.target_fps is not None:
            cycles = self.clock_mhz * 1e6 / self.target_fps
            limits.append(max(1, int(min(cycles, sys.maxsize))))
        return min(limits, default=DEFAULT_MAX_CYCLES)

    @property
    def has_target(self) -> bool:
        """Whether the user asked for a rate; without one the default is only a wish."""
        return self.max_cycles is not None or self.target_fps is not None


def load_config(path: Path | None, overrides: dict[str, Any]) -> Config:
    """Read a TOML file and lay command-line `overrides` that are not None on top of it.

    Raises:
        CompileError: C001 for an unreadable file, unknown keys and impossible values.
    """
    data: dict[str, Any] = {}
    if path is not None:
        data = _read_toml(path)
    given = {key: value for key, value in overrides.items() if value is not None}
    return make_config(data | given, Loc(_shown(path) if path else _OPTIONS), set(given))


def make_config(data: dict[str, Any], loc: Loc, options: Collection[str] = ()) -> Config:
    """Check `data` and return the configuration.

    Args:
        data: the keys and values.
        loc: where they come from.
        options: those of the keys that come from the command line instead.

    Raises:
        CompileError: C001, one diagnostic for each wrong key.
    """
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        found = [
            _diagnostic(item, Loc(_OPTIONS) if item["loc"][:1] in {(o,) for o in options} else loc)
            for item in error.errors()
        ]
        raise CompileError(found) from None


def _shown(path: Path) -> str:
    return quote(str(path), 200)[1:-1]


def _read_toml(path: Path) -> dict[str, Any]:
    loc = Loc(_shown(path))
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = (error.strerror or "it is damaged").lower()
        fail("C001", f"the configuration cannot be read: {reason}", loc=loc)
    except UnicodeDecodeError:
        fail("C001", "the configuration cannot be read: it is not UTF-8 text", loc=loc)
    except ValueError as error:  # TOMLDecodeError, and integers of thousands of digits
        fail("C001", f"the configuration is not valid TOML: {error}", loc=loc)
    except RecursionError:
        fail("C001", "the configuration is not valid TOML: it is nested too deeply", loc=loc)


def _diagnostic(item: Any, loc: Loc) -> Diagnostic:
    place = [str(part) for part in item["loc"]]
    key = quote(".".join(place))
    if item["type"] == "extra_forbidden":
        owners: dict[str, type[BaseModel]] = {"layers": LayerConfig, "input": InputConfig}
        owner = owners.get(place[0], Config) if len(place) > 1 else Config
        known = list(owner.model_fields)
        help_ = did_you_mean(place[-1], known) or f"the keys here are {', '.join(known)}"
        return Diagnostic("C001", f"there is no key {key}", loc, (), help_)
    if item["type"] == "missing":
        return Diagnostic("C001", f"{key} is missing", loc)
    if item["type"] in {"dict_type", "model_type"}:
        rule = "must be a table of keys and values"
    else:
        rule = item["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return Diagnostic("C001", f"{key} is {quote(str(item['input']))}: {rule}", loc)
