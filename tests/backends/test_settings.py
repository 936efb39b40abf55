"""Settings: named numbers within their bounds, which change meaning and cycles, nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bitmason.backends.design import Design
from bitmason.backends.schedule import Model
from bitmason.backends.settings import (
    changes_host,
    parse_settings,
    register_writes,
    setting_of,
    settings_of,
    with_setting,
)
from bitmason.config import make_config
from bitmason.diagnostics import CompileError, Loc
from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat, Knobs
from bitmason.ir.ops.dense import Dense as DenseOp
from bitmason.pipeline import compile_model
from bitmason.simulation import simulate
from hw_tests.bench.networks import Dense, Network, Quantiser, make_model
from tests.frontend.onnx_models import Net

MODEL = make_model(
    Network(
        12,
        Quantiser(3, signed=False),
        (
            Dense(8, Quantiser(4), Quantiser(2, signed=False), function="Relu"),
            Dense(6, Quantiser(2), Quantiser(1)),
            Dense(4, Quantiser(1)),
        ),
        name="small",
    )
)


def design(**config: Any) -> Design:
    chosen = {"run_time_precision": True, "max_cycles": 4000} | config
    return compile_model(MODEL, make_config(chosen, Loc("c.toml")), name="small.onnx").design


SMALL = design()
NAMES = [f"{knob.layer}.{knob.name}" for knob in SMALL.knobs]


def refusal(call: Any, *arguments: Any) -> str:
    with pytest.raises(CompileError) as caught:
        call(*arguments)
    return str(caught.value)


def test_knobs_are_those_of_products_with_planes() -> None:
    assert [knob.maximum for knob in SMALL.knobs] == [4, 3, 2, 2]
    assert SMALL.layers[0].op == "knobs"
    assert [layer.knobs for layer in design(run_time_precision=False).layers if layer.knobs] == []


def test_reads_settings() -> None:
    assert parse_settings(["a.b.abits=2", "c.wbits=10"]) == {"a.b.abits": 2, "c.wbits": 10}


@pytest.mark.parametrize("text", ["", "=2", "fc1.abits", "fc1.abits=", "a=-1", "a=2x", "a=\uff11"])
def test_refuses_what_is_no_setting(text: str) -> None:
    assert "is not a setting\n  help: write LAYER.KNOB=NUMBER" in refusal(parse_settings, [text])


def test_refuses_a_name_twice() -> None:
    assert "error[S005]: 'a.abits' is set twice" in refusal(
        parse_settings, ["a.abits=1", "a.abits=1"]
    )


def test_the_default_is_the_largest() -> None:
    assert setting_of(SMALL, {}) == (4, 3, 2, 2)
    assert settings_of(SMALL, 5, {}) == ()


def test_layers_may_be_named_as_in_the_model() -> None:
    layers = [replace(one, loc=Loc("m.onnx", f"/{one.name}/MatMul")) for one in SMALL.layers]
    trained = replace(SMALL, layers=tuple(layers))
    assert setting_of(trained, {f"/{SMALL.knobs[0].layer}/MatMul.wbits": 1}) == (1, 3, 2, 2)


def test_a_star_means_all_layers_that_are_not_named() -> None:
    assert setting_of(SMALL, {"*.abits": 1}) == (4, 1, 2, 1)
    assert setting_of(SMALL, {NAMES[0]: 3, "*.wbits": 2}) == (3, 3, 2, 2)
    text = refusal(setting_of, SMALL, {"*.wbits": 3})
    assert "error[S005]: *.wbits = 3 is not possible" in text
    assert f"help: use {NAMES[2]}=2" in text
    assert "no knob called '*.bits'" in refusal(setting_of, SMALL, {"*.bits": 1})


def test_a_layer_may_be_called_like_a_star() -> None:
    layers = [replace(one, loc=Loc("m.onnx", f"*.{one.name}")) for one in SMALL.layers]
    trained = replace(SMALL, layers=tuple(layers))
    found = setting_of(trained, {f"*.{NAMES[0]}": 3, "*.wbits": 1})
    assert found == (3, 3, 1, 2)


def test_refuses_unknown_names() -> None:
    wrong = NAMES[0].replace("wbits", "wbit")
    text = refusal(setting_of, SMALL, {wrong: 1})
    assert f"error[S005]: the design has no knob called '{wrong}'" in text
    assert f"did you mean '{NAMES[0]}'?" in text
    fixed = design(run_time_precision=False)
    assert "help: compile with --run-time-precision" in refusal(setting_of, fixed, {wrong: 1})


@pytest.mark.parametrize(("value", "nearest"), [(0, 1), (5, 4), (9999, 4)])
def test_refuses_numbers_out_of_bounds(value: int, nearest: int) -> None:
    text = refusal(setting_of, SMALL, {NAMES[0]: value})
    assert f"error[S005]: {NAMES[0]} = {value} is not possible" in text
    assert f"note: {SMALL.knobs[0].layer} was built for 1 to 4" in text
    assert f"help: use {NAMES[0]}={nearest}" in text


def test_refuses_another_count_than_that_of_the_frames() -> None:
    assert "there are 2 settings for 3 frames" in refusal(settings_of, SMALL, 3, [{}, {}])


@given(st.tuples(*(st.integers(1, knob.maximum) for knob in SMALL.knobs)))
def test_a_setting_clears_the_planes_it_leaves_out(setting: tuple[int, ...]) -> None:
    made = with_setting(SMALL, setting)
    found = [node.op.cleared for node in made.graph.nodes if isinstance(node.op, DenseOp)]
    full = setting_of(SMALL, {})
    left = [most - now for most, now in zip(full, setting, strict=True)]
    assert [pair for pair in found if pair] == [tuple(left[:2]), tuple(left[2:])]
    assert [layer.name for layer in made.layers] == [layer.name for layer in SMALL.layers]


def test_cycles_are_proportional_to_the_planes() -> None:
    full = {layer.name: layer.cycles for layer in SMALL.layers}
    layer = SMALL.knobs[0].layer
    for weights in (1, 2, 3, 4):
        for inputs in (1, 2, 3):
            made = with_setting(SMALL, (weights, inputs, 2, 2))
            (cycles,) = (one.cycles for one in made.layers if one.name == layer)
            assert cycles * 12 == full[layer] * weights * inputs


def test_the_timing_model_knows_of_settings() -> None:
    few = with_setting(SMALL, (1, 1, 1, 1))
    assert Model(few).run(6).ii_cycles == few.ii_cycles < Model(SMALL).run(6).ii_cycles


def test_a_setting_for_each_frame_is_that_of_the_frame() -> None:
    x = np.random.default_rng(0).normal(0, 2, (6, 12)).astype(np.float32)
    given = [{NAMES[0]: 1 + i % 4, NAMES[3]: 1 + i % 2} for i in range(6)]
    together = simulate(SMALL, x, settings=given).integers[0]
    apart = [simulate(SMALL, x[i : i + 1], settings=given[i]).integers[0][0] for i in range(6)]
    np.testing.assert_array_equal(together, apart)
    plain = simulate(SMALL, x).integers[0]
    assert not np.array_equal(together, plain)


def test_registers_are_written_where_they_change() -> None:
    most = setting_of(SMALL, {})
    assert register_writes(SMALL, [most, most]) == ()
    less = (most[0] - 1, *most[1:])
    writes = register_writes(SMALL, [less, less, most, (1, 1, 1, 1)])
    assert [frame for frame, _, _ in writes] == [0, 2, 3, 3]
    (first, *_) = writes
    assert first == (0, 0x100, 3 | 3 << 8)
    assert writes[1] == (2, 0x100, 4 | 3 << 8)
    assert writes[2:] == ((3, 0x100, 1 | 1 << 8), (3, 0x104, 1 | 1 << 8))


FORMAT = CustomFloat(4, 2, 9)


def link(ends: str, rounding: str = TRUNCATE) -> Design:
    """A link whose hardware compresses its input, or decompresses its output."""
    net = Net(1, 12)
    form = {"e_bits": FORMAT.e_bits, "m_bits": FORMAT.m_bits, "bias": FORMAT.bias}
    net.node("CustomFloat", "x", rounding=rounding, **form)
    config = make_config({"run_time_precision": True, "float_ports": ends}, Loc("c.toml"))
    return compile_model(net.model().SerializeToString(), config, name="link.onnx").design


LINKS = {ends: link(ends) for ends in ("input", "outputs")}
HALVES = {"input": ("compress", "rank_value"), "outputs": ("quantise_float", "decompress")}
each_end = pytest.mark.parametrize("ends", LINKS)


def told(made: Design) -> dict[str, Knobs]:
    """Return the numbers of a format that each operation is told, by its name."""
    return {node.op.name: node.op.knobs for node in made.graph.nodes if hasattr(node.op, "knobs")}


@each_end
def test_formats_have_three_numbers(ends: str) -> None:
    made = LINKS[ends]
    names = [(knob.name, knob.maximum) for knob in made.knobs]
    assert names == [("ebits", 4), ("sbits", 3), ("least", 119)]
    assert setting_of(made, {"*.sbits": 1}) == (4, 1, 119)


@each_end
def test_a_setting_changes_an_engine_and_its_other_half_on_the_host(ends: str) -> None:
    made = LINKS[ends]
    assert told(made) == dict.fromkeys(HALVES[ends], (4, 3, 119))
    few = with_setting(made, (3, 1, 7))
    assert told(few) == dict.fromkeys(HALVES[ends], (3, 1, 7))
    assert few.layers == made.layers  # at the same pace
    assert with_setting(made, ()) is made


def test_settings_change_the_host_where_formats_are() -> None:
    assert all(changes_host(made) for made in LINKS.values())
    assert not changes_host(SMALL)


@each_end
@pytest.mark.parametrize("rounding", [TRUNCATE, NEAREST])
def test_each_frame_of_a_link_has_its_format(ends: str, rounding: str) -> None:
    made = link(ends, rounding)
    rng = np.random.default_rng(0)
    x = rng.normal(0, 2, (40, 12)).astype(np.float32)
    most = FORMAT.knobs
    settings = rng.integers(1, most, (40, 3), endpoint=True)
    settings[::4] = most
    names = [f"{knob.layer}.{knob.name}" for knob in made.knobs]
    given = [dict(zip(names, setting, strict=True)) for setting in settings.tolist()]
    (found,) = simulate(made, x, settings=given).outputs
    for frame, setting, numbers in zip(x, settings.tolist(), found, strict=True):
        format_ = FORMAT.at(tuple(setting))
        wanted = format_.decode(format_.encode(frame, rounding)).astype(np.float32)
        np.testing.assert_array_equal(numbers, wanted)
    (whole,) = simulate(made, x).outputs
    np.testing.assert_array_equal(found[::4], whole[::4])
    assert (found != whole).any(axis=1).sum() > 20


def test_registers_of_formats_are_written_where_they_change() -> None:
    made = LINKS["input"]
    writes = register_writes(made, [(4, 3, 119), (2, 3, 119), (2, 1, 5)])
    assert writes == ((1, 0x100, 2 | 3 << 8 | 119 << 16), (2, 0x100, 2 | 1 << 8 | 5 << 16))
