"""The map of a network's registers: addresses, fields, what is found there after reset.

Invariant: no two registers overlap or have names that differ in case alone, and the registers that
every network has stand at the same places in all of them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, auto

from bitmason.backends.design import Knob
from bitmason.version import __version__

MAGIC = int.from_bytes(b"BITM", "little")  # so that it reads BITM byte by byte
LAYOUT = 1  # of the registers that every network has; another one after any change to them
DATA_BITS = 32
_WORD = DATA_BITS // 8
_FIRST_LAYER = 0x100
_PAGE_BITS = 12  # what systems map at least
_FIELD_BITS = 8  # of a setting: a byte, so that strobes reach each alone and no value is cut off
# The bits from which on a setting stands, in every layer's register that has it, and what it is.
_SETTINGS = {
    "wbits": (0, "bit planes of the weights"),
    "abits": (_FIELD_BITS, "bit planes of the activations"),
    "ebits": (0, "bits of the exponent"),
    "sbits": (_FIELD_BITS, "bits of the mantissa, its leading one included"),
    "least": (2 * _FIELD_BITS, "exponent field that the smallest number has in float32"),
}
_HASH_BYTES = 8


class Kind(Enum):
    """How a field behaves."""

    CONSTANT = auto()
    STATE = auto()  # shows a signal of the hardware
    COUNTER = auto()
    PULSE = auto()  # written 1, acts once and falls back to 0
    SETTING = auto()  # written by software, kept within 1 to its maximum


@dataclass(frozen=True)
class Field:
    """Some bits of a register, from `lsb` on."""

    name: str
    kind: Kind
    lsb: int
    bits: int
    summary: str
    reset: int | None = 0  # None: whatever the signal is
    maximum: int = 0  # of a setting

    @property
    def access(self) -> str:
        """What software may do: "r" or "rw"."""
        return "rw" if self.kind in {Kind.PULSE, Kind.SETTING} else "r"

    @property
    def msb(self) -> int:
        """The highest bit."""
        return self.lsb + self.bits - 1

    @property
    def mask(self) -> int:
        """Its bits in the register."""
        return ((1 << self.bits) - 1) << self.lsb

    @property
    def range(self) -> str:
        """Its bits as documents write them."""
        return f"{self.msb}:{self.lsb}" if self.bits > 1 else str(self.lsb)


@dataclass(frozen=True)
class Register:
    """One or two words from `address` on, counted in bytes; the low word comes first.

    `layer` is the layer that it sets, if it does.
    """

    name: str
    address: int
    summary: str
    fields: tuple[Field, ...]
    bits: int = DATA_BITS
    layer: str = ""

    @property
    def buffered(self) -> bool:
        """Whether reading the low word takes hold of the high one."""
        return any(field.kind is Kind.COUNTER for field in self.fields)

    @property
    def whole(self) -> bool:
        """Whether it is one number."""
        return self.fields[0].bits == self.bits

    @property
    def access(self) -> str:
        """What software may do: "r" or "rw"."""
        return "rw" if any(field.access == "rw" for field in self.fields) else "r"

    @property
    def end(self) -> int:
        """The address behind it."""
        return self.address + self.bits // 8


@dataclass(frozen=True)
class RegisterMap:
    """All registers of a network, by ascending addresses.

    `digest` is the SHA-256 of the model file.
    """

    network: str
    version: str
    digest: bytes
    registers: tuple[Register, ...]

    @property
    def address_bits(self) -> int:
        """Bits of an address of a byte."""
        return max(_PAGE_BITS, (self.registers[-1].end - 1).bit_length())

    @property
    def counters(self) -> tuple[Register, ...]:
        """The registers that count."""
        return tuple(register for register in self.registers if register.buffered)

    @property
    def layers(self) -> tuple[Register, ...]:
        """The registers that set a layer."""
        return tuple(register for register in self.registers if register.layer)

    def __getitem__(self, name: str) -> Register:
        """Return a register by its name."""
        return next(register for register in self.registers if register.name == name)

    def setting(self, knob: Knob) -> tuple[Register, Field]:
        """Return where a knob is set."""
        register = next(found for found in self.layers if found.layer == knob.layer)
        return register, next(field for field in register.fields if field.name == knob.name)


def register_map(network: str, knobs: Sequence[Knob], digest: bytes) -> RegisterMap:
    """Return the map of a network that has these knobs, whose model file has this SHA-256."""
    layers = tuple(_layers(knobs))
    common = (*_identification(digest), *_control(), _map_hash(layers), *_counters())
    assert common[-1].end <= _FIRST_LAYER, common[-1]
    return RegisterMap(network, __version__, digest, (*common, *layers))


def _identification(digest: bytes) -> Iterable[Register]:
    numbers = re.match(r"(\d+)\.(\d+)\.(\d+)", __version__)
    assert numbers is not None, __version__
    major, minor, patch = map(int, numbers.groups())
    version = (
        Field("patch", Kind.CONSTANT, 0, 8, "third number of bitmason's version", patch),
        Field("minor", Kind.CONSTANT, 8, 8, "second number", minor),
        Field("major", Kind.CONSTANT, 16, 8, "first number", major),
        Field("layout", Kind.CONSTANT, 24, 8, "version of the map below 0x100", LAYOUT),
    )
    yield _number("magic", 0x00, Kind.CONSTANT, "BITM, the first letter in the lowest byte", MAGIC)
    yield Register("version", 0x04, "what made this hardware", version)
    model = int.from_bytes(digest[:_HASH_BYTES], "big")
    summary = "the first 16 hexadecimal digits of the SHA-256 of the model file"
    yield _number("model_hash", 0x08, Kind.CONSTANT, summary, model, 8 * _HASH_BYTES)


def _control() -> Iterable[Register]:
    clear = Field("clear", Kind.PULSE, 0, 1, "write 1 to set all counters to 0")
    error = Field("frame_error", Kind.STATE, 0, 1, "an input tlast was misplaced", None)
    yield Register("control", 0x10, "commands", (clear,))
    yield Register("status", 0x14, "what the hardware reports", (error,))


def _map_hash(layers: tuple[Register, ...]) -> Register:
    """Return a register that differs where the layers' registers do: of one model, too."""
    places = [
        (register.name, register.address, [(f.name, f.lsb, f.maximum) for f in register.fields])
        for register in layers
    ]
    value = int.from_bytes(hashlib.sha256(repr(places).encode()).digest()[:_WORD], "big")
    return _number("map_hash", 0x18, Kind.CONSTANT, "tells one map from another", value)


def _counters() -> Iterable[Register]:
    for index, (name, summary) in enumerate(
        {
            "cycles": "clock cycles",
            "frames_taken": "frames whose last beat was taken at the input",
            "frames_given": "frames whose last beat was given at the first output",
            "input_stalls": "cycles in which an input beat was offered and not taken",
            "output_stalls": "cycles in which a beat of the first output was offered and not taken",
            "input_waits": "cycles in which an input beat was wanted and not offered",
        }.items()
    ):
        yield _number(name, 0x20 + 8 * index, Kind.COUNTER, summary, 0, 64)


def _number(
    name: str, address: int, kind: Kind, summary: str, reset: int, bits: int = DATA_BITS
) -> Register:
    return Register(name, address, summary, (Field("value", kind, 0, bits, summary, reset),), bits)


def _layers(knobs: Sequence[Knob]) -> Iterable[Register]:
    """Return one register for each layer that has knobs, in the order of the knobs."""
    taken: set[str] = set()
    for index, layer in enumerate(dict.fromkeys(knob.layer for knob in knobs)):
        fields = tuple(_setting(knob) for knob in knobs if knob.layer == layer)
        name = _unique(f"layer_{layer}", taken)
        summary = f"settings of the layer {layer}, taken at the start of each frame"
        in_order = tuple(sorted(fields, key=lambda field: field.lsb))
        yield Register(name, _FIRST_LAYER + _WORD * index, summary, in_order, layer=layer)


def _setting(knob: Knob) -> Field:
    assert 1 <= knob.maximum < 1 << knob.bits <= 1 << _FIELD_BITS, knob
    (lsb, what), maximum = _SETTINGS[knob.name], knob.maximum
    summary = f"{what}, 1 to {maximum}"
    return Field(knob.name, Kind.SETTING, lsb, _FIELD_BITS, summary, maximum, maximum)


def _unique(base: str, taken: set[str]) -> str:
    """Return a name that differs from all taken in more than case: macros are upper case."""
    name, count = base, 1
    while name.upper() in taken:
        count += 1
        name = f"{base}_{count}"
    taken.add(name.upper())
    return name
