"""What a user may choose: the target, the clock, and the folding of single layers.

Invariant: every key of a configuration file is checked before anything is compiled.
"""

from __future__ import annotations

import tomllib
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from bitmason.diagnostics import CompileError, Diagnostic, Loc, did_you_mean, fail, quote
from bitmason.ir.types import Int, UInt, parse_elem

DEFAULT_MAX_CYCLES = 1024


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class LayerConfig(_Strict):
    """Choices for one layer; what is left out is chosen by the folding search."""

    pe: int | None = Field(default=None, ge=1, description="outputs computed at once")
    simd: int | None = Field(default=None, ge=1, description="inputs taken at once")
    engine: str = Field(default="", description="how the operation is built")
    memory: str = Field(default="", description="where its constants live: block or logic")
    multipliers: str = Field(default="", description="what multiplies: lut or dsp")


class InputConfig(_Strict):
    """The integers that arrive at the hardware, where the model itself does not say.

    An input `x` of the model stands for the integer `x / scale` of the given type.
    """

    type: str = Field(description="uint8, int6, ...")
    scale: float | str = Field(default=1.0, description='a number, or a fraction such as "1/255"')

    @field_validator("type")
    @classmethod
    def _known(cls, text: str) -> str:
        if not isinstance(parse_elem(text), UInt | Int):
            raise ValueError("must be uint1 to uint32 or int2 to int32")
        return text

    @field_validator("scale")
    @classmethod
    def _positive(cls, value: float | str) -> float | str:
        try:
            positive = Fraction(value) > 0
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            raise ValueError('must be a number or a fraction such as "1/255"') from error
        if not positive:
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

    clock_mhz: float = Field(default=200.0, gt=0, le=2000, description="clock of the design, MHz")
    max_cycles: int | None = Field(default=None, ge=1, description="cycles between frames, at most")
    target_fps: float | None = Field(default=None, gt=0, description="frames per second, at least")
    target: Literal["generic", "xilinx"] = Field(
        default="generic", description="cells for one kind of device, or plain SystemVerilog"
    )
    argmax: bool | None = Field(
        default=None,
        description="label chosen in hardware: true adds it, false leaves it to the host",
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
            limits.append(max(1, int(self.clock_mhz * 1e6 / self.target_fps)))
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
    data.update({key: value for key, value in overrides.items() if value is not None})
    return make_config(data, Loc(path.name if path else "<options>"))


def make_config(data: dict[str, Any], loc: Loc) -> Config:
    """Check `data` and return the configuration.

    Raises:
        CompileError: C001, one diagnostic for each wrong key.
    """
    try:
        return Config.model_validate(data)
    except ValidationError as error:
        raise CompileError([_diagnostic(item, loc) for item in error.errors()]) from None


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        fail("C001", f"the configuration cannot be read: {reason}", loc=Loc(path.name))
    except tomllib.TOMLDecodeError as error:
        fail("C001", f"the configuration is not valid TOML: {error}", loc=Loc(path.name))


def _diagnostic(item: Any, loc: Loc) -> Diagnostic:
    place = [str(part) for part in item["loc"]]
    key = quote(".".join(place))
    if item["type"] == "extra_forbidden":
        owner = {"layers": LayerConfig, "input": InputConfig}.get(place[0], Config)
        known = list((owner if len(place) > 1 else Config).model_fields)
        help_ = did_you_mean(place[-1], known) or f"the keys here are {', '.join(known)}"
        return Diagnostic("C001", f"there is no key {key}", loc, (), help_)
    found = quote(str(item.get("input")))
    message = f"{key} is {found}: {item['msg'][0].lower()}{item['msg'][1:]}"
    return Diagnostic("C001", message.replace("value error, ", ""), loc)
