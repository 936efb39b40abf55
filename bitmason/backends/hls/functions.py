"""The library function of each cell: what its configuration says and which tables it reads.

Invariant: numbers and codes come from the emission that every backend reads; what stands here is
how C++ names and arranges them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from bitmason.backends.design import Layer
from bitmason.backends.emission import Emission, Vector
from bitmason.backends.hls.types import elem_type, held_values
from bitmason.backends.layers.arrange import ImageView
from bitmason.backends.layers.float_link import FloatLinkView
from bitmason.backends.layers.ras.folded import RasView
from bitmason.ir.codebook import Codebook, codebook_of
from bitmason.ir.types import Int, IntArray, IntType, UInt

# How hardware lays out a table `[words][elements]`: a word at a time, or the words of `PE` channels
# at once, each with its own memory or every element in a register of its own; or not at all, where
# every element is a constant of its own.
WIDE, BY_CHANNEL, SHARED, WIRED = "wide", "by channel", "shared", "wired"


@dataclass(frozen=True)
class TableArgument:
    """A table that a function reads: values[words][elements] of C++ type `elem`, and pragmas."""

    role: str
    elem: str
    values: IntArray
    pragmas: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A call of a library function: members of its configuration and tables, in their order.

    Inputs come before outputs, except where `outputs_first`, for C++ has one list of any length.
    `ahead` beats should have room in front, those that the RTL's cell takes before it needs them.
    `more` are headers of the library that its configuration needs besides the function's own.
    """

    function: str
    members: tuple[str, ...]
    tables: tuple[TableArgument, ...] = ()
    outputs_first: bool = False
    ahead: int = 0
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Table:
    """A table of an emission: the type of its codes, and how they are read."""

    elem: Callable[[Layer, Emission], IntType]
    reading: str = WIDE


@dataclass(frozen=True)
class _Function:
    """A function: constants of its configuration by name, types by name, and tables by role."""

    name: str
    numbers: tuple[str, ...]
    types: Mapping[str, Callable[[Layer, Emission], str]] = field(default_factory=dict)
    tables: Mapping[str, _Table] = field(default_factory=dict)
    outputs_first: bool = False


def call_of(layer: Layer, emission: Emission) -> Call:
    """Return how the library computes a layer."""
    kind = str(emission.parameters.get("OP", ""))
    function = _FUNCTIONS.get(f"{emission.cell} {kind}") or _FUNCTIONS[emission.cell]
    members = _constants(layer, emission, function.numbers)
    members += [f"using {name} = {of(layer, emission)}" for name, of in function.types.items()]
    tables = [_table(layer, emission, role, how) for role, how in function.tables.items()]
    return Call(
        function.name,
        tuple(members),
        tuple(tables),
        function.outputs_first,
        _ahead(emission),
        _more(emission),
    )


def _more(emission: Emission) -> tuple[str, ...]:
    """Return the headers that a layer needs besides that of its function's name."""
    if emission.parameters.keys() & {"X_E", "F_E"}:
        return ("float_dot.hpp",)
    return ()


def _ahead(emission: Emission) -> int:
    """Return the beats of the next vector, which come in while rows of a matrix meet this one."""
    if emission.cell == "bm_mvu_bitserial":
        channels = _integer(emission, "PE") if emission.parameters["DEPTHWISE"] else 1
        return channels * _integer(emission, "MW") // _integer(emission, "TAKE")
    if emission.cell in {"bm_ras", "bm_ras_booted"}:
        return _integer(emission, "MW") // _integer(emission, "TAKE")
    if emission.cell == "bm_ras_coded":
        return _integer(emission, "MW")
    if emission.cell != "bm_mvu" or emission.parameters["MH"] == emission.parameters["PE"]:
        return 0
    return _integer(emission, "MW") // _integer(emission, "SIMD")


def _constants(layer: Layer, emission: Emission, names: tuple[str, ...]) -> list[str]:
    """Return the constants of a configuration, those of one type in one declaration."""
    derived = {"BEATS": layer.sources[0].beats, "LANES": emission.replicas}
    if isinstance(layer.view, ImageView):
        derived["H"] = layer.view.height
    if isinstance(layer.view, FloatLinkView):
        format_ = layer.view.format
        derived |= {"LARGEST": format_.top, "NEAREST": layer.view.nearest}
        derived |= {"LEAST": format_.knobs[-1]}
    if emission.adders is not None:
        derived["MH"], derived["MW"] = emission.adders.weights.shape
    values = derived | dict(emission.parameters)
    found = []
    for type_ in ("unsigned", "int", "bool"):
        group = [name for name in names if _constant_type(name, values[name]) == type_]
        shown = ", ".join(f"{name} = {str(values[name]).lower()}" for name in group)
        found += [f"static constexpr {type_} {shown}"] if group else []
    return found


def _constant_type(name: str, value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    return "int" if name in _SIGNED else "unsigned"


def _table(layer: Layer, emission: Emission, role: str, how: _Table) -> TableArgument:
    elem = how.elem(layer, emission)
    if role in emission.tables:
        codes = emission.tables[role].codes
    elif emission.adders is not None:
        codes = _book(emission).codes + 1
    else:
        vector = emission.parameters[role.upper()]
        assert isinstance(vector, Vector), (emission.cell, role)
        codes = np.array(vector.elements).reshape(_integer(emission, "CF"), -1)
    return TableArgument(
        role, elem_type(elem), held_values(codes, elem), _pragmas(emission, how, codes)
    )


def _pragmas(emission: Emission, how: _Table, codes: IntArray) -> tuple[str, ...]:
    """Return the HLS directives of a table, each for a variable that the caller names."""
    style = str(emission.parameters.get("ROM_STYLE"))
    impl = {"block": " impl = bram", "logic": " impl = lutram"}.get(style, "")
    if how.reading == WIRED or (len(codes) == 1 and how.reading != SHARED):
        return ("array_partition {} complete dim = 0",)
    if how.reading == WIDE:
        return ("array_reshape {} complete dim = 2", f"bind_storage {{}} type = rom_1p{impl}")
    last = f"bind_storage {{}} type = rom_np{impl}"
    if how.reading == BY_CHANNEL:
        last = "array_partition {} complete dim = 2"
    at_once = min(len(codes), _integer(emission, "PE"))
    return (*([f"array_partition {{}} cyclic factor = {at_once} dim = 1"] * (at_once > 1)), last)


def _integer(emission: Emission, name: str) -> int:
    value = emission.parameters[name]
    assert isinstance(value, int), (emission.cell, name)
    return value


def _sink(layer: Layer, _: Emission) -> IntType:
    return layer.sink.elem


def _source(layer: Layer, _: Emission) -> IntType:
    return layer.source.elem


def _bit(_: Layer, __: Emission) -> IntType:
    return UInt(1)


def _weight(_: Layer, emission: Emission) -> IntType:
    bits = _integer(emission, "W_W")
    return Int(bits) if emission.parameters["W_SIGNED"] else UInt(bits)


def _signed(width: str) -> Callable[[Layer, Emission], IntType]:
    return lambda _, emission: Int(_integer(emission, width))


def _word(role: str) -> Callable[[Layer, Emission], IntType]:
    return lambda _, emission: UInt(emission.tables[role].bits)


def _sum(_: Layer, emission: Emission) -> IntType:
    bits = _integer(emission, "SUM_W")
    return Int(bits) if emission.parameters["IN_SIGNED"] else UInt(bits)


def _entry(layer: Layer, _: Emission) -> IntType:
    assert isinstance(layer.view, RasView), layer.name
    return UInt(layer.view.entry_bits)


def _lengths(_: Layer, emission: Emission) -> str:
    lengths = emission.parameters["LENGTHS"]
    assert isinstance(lengths, Vector)
    used = lengths.elements[: _integer(emission, "SYMBOLS")]
    return f"std::integer_sequence<unsigned, {', '.join(map(str, used))}>"


def _seed(_: Layer, emission: Emission) -> str:
    seed = emission.parameters["SEED"]
    assert isinstance(seed, Vector)
    return f"std::integral_constant<std::uint32_t, {seed.elements[0]}>"


def _book(emission: Emission) -> Codebook:
    assert emission.adders is not None, emission.cell
    book = codebook_of(emission.adders.weights.int64())
    assert book is not None, "the engine was checked"
    return book


def _code(_: Layer, emission: Emission) -> IntType:
    return UInt(len(_book(emission).values).bit_length())


def _values(_: Layer, emission: Emission) -> str:
    values = ", ".join(map(str, _book(emission).values))
    return f"std::integer_sequence<long long, {values}>"


def _coded_values(_: Layer, emission: Emission) -> str:
    vector = emission.parameters["VALUES"]
    assert isinstance(vector, Vector)
    codes = np.array(vector.elements)
    values = Int(_integer(emission, "VALUE_W")).decode(codes).tolist()
    return f"std::integer_sequence<long long, {', '.join(map(str, values))}>"


def _address(_: Layer, emission: Emission) -> IntType:
    return UInt(emission.tables["order"].bits)


def _named(of: Callable[[Layer, Emission], IntType]) -> Callable[[Layer, Emission], str]:
    return lambda layer, emission: elem_type(of(layer, emission))


def _choice(parameter: str) -> Callable[[Layer, Emission], str]:
    """Return the library's type for a word of an emission: "xnor" is `bitmason::Xnor`."""
    return lambda _, emission: f"bitmason::{str(emission.parameters[parameter]).capitalize()}"


def _engine(layer: Layer, emission: Emission) -> str:
    """Return how products are made, of numbers that may be kept as floating point."""
    engine = _choice("ENGINE")(layer, emission)
    x, factor = (_kept(emission, prefix, kind) for prefix, kind in (("X", "Ranks"), ("F", "Codes")))
    if x == factor == _AS_IS:
        return engine
    return f"bitmason::Numbers<{x}, {factor}, {engine}>"


def _kept(emission: Emission, prefix: str, kind: str) -> str:
    names = (f"{prefix}_{part}" for part in ("E", "M", "SUBNORMALS", "SHIFT"))
    given = [emission.parameters[name] for name in names if name in emission.parameters]
    return f"bitmason::{kind}<{', '.join(str(n).lower() for n in given)}>" if given else _AS_IS


def _counts(_: Layer, emission: Emission) -> str:
    counts = emission.parameters["COUNTS"]
    assert isinstance(counts, Vector)
    return f"std::integer_sequence<unsigned, {', '.join(map(str, counts.elements))}>"


_AS_IS = "bitmason::AsIs"
_SIGNED = frozenset({"BASE", "BIAS", "TOP", "SHIFT0", "SHIFT1"})
_WINDOW = ("H", "W", "KH", "KW", "SH", "SW", "DH", "DW")
_WEIGHTED = {"Engine": _engine, "Weight": _named(_weight)}
_STEPPED = _Function(
    "thresholds",
    ("CHANNELS", "PE", "LANES", "STEPS", "BASE", "BEATS"),
    {"Step": _named(_signed("THR_W"))},
    {"steps": _Table(_signed("THR_W"), BY_CHANNEL), "descending": _Table(_bit, BY_CHANNEL)},
)
_RAS = _Function(
    "ras",
    ("MW", "GROUPS", "LANES", "PE", "SIMD", "STEPS", "SCALERS", "PLACES", "BEATS"),
    {
        "Entry": _named(_entry),
        "Pick": _named(_word("picks")),
        "Value": _named(_signed("VALUE_W")),
        "Sum": _named(_sum),
    },
    {"lists": _Table(_word("lists")), "picks": _Table(_word("picks"))},
)
_FUNCTIONS = {
    "bm_mvu": _Function(
        "mvu",
        ("MW", "MH", "GROUPS", "LANES", "PE", "SIMD", "BEATS"),
        _WEIGHTED,
        {"weights": _Table(_weight)},
    ),
    "bm_mvu_bitserial": _Function(
        "mvu_bitserial",
        ("MW", "MH", "GROUPS", "LANES", "PE", "SIMD", "BEATS", "DEPTHWISE"),
        {"Product": _choice("PRODUCT"), "Weight": _named(_weight)},
        {"weights": _Table(_bit)},
    ),
    "bm_ras": _RAS,
    "bm_ras_booted": _Function(
        "ras_loaded",
        (*_RAS.numbers, "RUNS"),
        {**_RAS.types, "Lengths": _lengths, "Seed": _seed},
        _RAS.tables,
    ),
    "bm_ras_coded": _Function(
        "ras_coded",
        ("MW", "MH", "LANES", "SYMBOLS", "BEATS"),
        {"Lengths": _lengths, "Values": _coded_values},
        {"weights": _Table(_word("weights"))},
    ),
    "ras_unrolled": _Function(
        "ras_unrolled",
        ("MW", "MH", "LANES", "BEATS"),
        {"Code": _named(_code), "Values": _values},
        {"codes": _Table(_code, WIRED)},
    ),
    "bm_knobs": _Function("knobs", ("BEATS",)),
    "bm_vvu": _Function(
        "vvu",
        ("CHANNELS", "TAPS", "PE", "SIMD", "LANES", "BEATS"),
        _WEIGHTED,
        {"weights": _Table(_weight)},
    ),
    "bm_thresholds": _STEPPED,
    "bm_thresholds_search": _Function(
        "thresholds_search", _STEPPED.numbers, _STEPPED.types, _STEPPED.tables
    ),
    "bm_thresholds_float": _Function(
        "thresholds_float",
        (
            *("CHANNELS", "PE", "LANES", "M_BITS", "FRACTION", "SHIFT", "BASE", "TOP"),
            *("SUBNORMALS", "NEAREST", "BEATS"),
        ),
        {"Offset": _named(_signed("OFFSET_W"))},
        {"offsets": _Table(_signed("OFFSET_W"), BY_CHANNEL)},
    ),
    "bm_lookup": _Function(
        "lookup", ("CHANNELS", "PE", "LANES", "BEATS"), {}, {"table": _Table(_sink, SHARED)}
    ),
    "bm_float_expand": _Function(
        "float_expand", ("PE", "LANES", "E_BITS", "M_BITS", "SUBNORMALS", "BEATS")
    ),
    "bm_float_compressor": _Function(
        "float_compressor",
        ("LANES", "E_BITS", "M_BITS", "BIAS", "LARGEST", "NEAREST", "BEATS"),
    ),
    "bm_float_decompressor": _Function(
        "float_decompressor",
        ("LANES", "E_BITS", "M_BITS", "BIAS", "LARGEST", "NEAREST", "SUBNORMALS", "BEATS"),
    ),
    "bm_float_compressor_knobs": _Function(
        "float_compressor_knobs", ("LANES", "E_MAX", "M_MAX", "LEAST", "FULL", "NEAREST", "BEATS")
    ),
    "bm_float_decompressor_knobs": _Function(
        "float_decompressor_knobs", ("LANES", "E_MAX", "M_MAX", "LEAST", "FULL", "NEAREST", "BEATS")
    ),
    "bm_argmax": _Function("argmax", ("CHANNELS", "PE", "BEATS")),
    "bm_join sum": _Function(
        "join_sum",
        ("PE", "LANES", "FOLDS", "BEATS"),
        {"Factor": _named(_signed("K_W"))},
        {"factors": _Table(_signed("K_W"))},
    ),
    "bm_join product": _Function("join_product", ("PE", "LANES", "SHIFT0", "SHIFT1", "BEATS")),
    "bm_join_table": _Function(
        "join_table", ("CHANNELS", "PE", "LANES", "BEATS"), {}, {"table": _Table(_sink, SHARED)}
    ),
    "bm_window": _Function("window", ("BLOCKS", "WORDS", *_WINDOW, "DEPTH")),
    "bm_window_parallel": _Function("window_parallel", ("CF", "LANES_IN", *_WINDOW)),
    "bm_pad": _Function(
        "pad",
        ("CF", "LANES", "H", "W", "TOP", "LEFT", "BOTTOM", "RIGHT", "STEP_Y", "STEP_X"),
        {},
        {"value": _Table(_source)},
    ),
    "bm_crop": _Function(
        "crop", ("H", "W", "CF", "Y0", "SY", "OUT_H", "X0", "SX", "OUT_W", "C0", "SC", "OUT_CF")
    ),
    "bm_upsample": _Function("upsample", ("H", "W", "CF", "FY", "FX")),
    "bm_concat": _Function("concat", ("BEATS",), {"Counts": _counts}, outputs_first=True),
    "bm_fork": _Function("fork", ("BEATS",)),
    "bm_reorder": _Function("reorder", ("LENGTH", "BEATS"), {}, {"order": _Table(_address)}),
    "bm_pool": _Function("pool", ("TAPS", "PE", "SIMD", "LANES", "BEATS"), {"Op": _choice("OP")}),
    "bm_global_pool": _Function("global_pool", ("PE", "FOLDS", "PIXELS"), {"Op": _choice("OP")}),
    "bm_pack": _Function("pack", ("BEATS",)),
    "bm_unpack": _Function("unpack", ("BEATS",)),
    "bm_width_converter": _Function("width_converter", ("IN_N", "OUT_N", "LANES", "BEATS")),
}
