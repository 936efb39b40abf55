"""Choose how much hardware each layer gets: the cheapest that meets the target.

Invariant: the result depends on the graph and the configuration alone, never on order or time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NoReturn

from bitmason.backends.design import Layer
from bitmason.backends.layers import Options, planner_of
from bitmason.config import Config, LayerConfig
from bitmason.diagnostics import Collector, CompileError, Diagnostic, did_you_mean, fail, quote
from bitmason.ir.graph import Folding, Graph, Node


def choose_layers(graph: Graph, nodes: Sequence[Node], config: Config) -> list[Layer]:
    """Return one layer per node, in order.

    Layers are chosen one after the other: each takes the cheapest folding that meets the target,
    where cheap counts the layer and the width converter in front of it.

    Raises:
        CompileError: B001 for a folding in `config` that is not possible, B002 for a target that
            no folding meets, C001 for a layer name that the network does not have.
    """
    wanted = _requests(nodes, config)
    layers: list[Layer] = []
    errors = Collector()
    for node in nodes:
        arriving = layers[-1].sink.per_beat if layers else 0
        try:
            layers.append(_choose(graph, node, wanted.get(node.name), config, arriving))
        except CompileError as error:
            errors.add(error)
    errors.raise_if_any()
    if config.has_target:
        _check_target(layers, config)
    return layers


def _requests(nodes: Sequence[Node], config: Config) -> Mapping[str, LayerConfig]:
    """Match the names in the configuration with nodes, by our name or the user's own."""
    by_name = {node.name: node for node in nodes}
    by_user_name = {node.loc.node: node for node in reversed(nodes) if node.loc.node}
    found: dict[str, LayerConfig] = {}
    wrong: list[Diagnostic] = []
    for name, request in config.layers.items():
        node = by_name.get(name) or by_user_name.get(name)
        if node is None:
            help_ = did_you_mean(name, by_name) or f"its layers are {', '.join(by_name)}"
            message = f"the network has no layer called {quote(name)}"
            wrong.append(Diagnostic("C001", message, None, (), help_))
        elif node.name in found:
            message = f"the configuration names the layer '{node.name}' twice, here {quote(name)}"
            wrong.append(Diagnostic("C001", message, node.loc, (), "join the two tables"))
        else:
            found[node.name] = request
    if wrong:
        raise CompileError(wrong)
    return found


def _choose(
    graph: Graph, node: Node, request: LayerConfig | None, config: Config, arriving: int
) -> Layer:
    planner = planner_of(node)
    options = Options(config.clock_mhz, config.target)
    (source,) = graph.operand_types(node)
    if node.folding is not None:  # chosen before, read back from a project
        return planner.plan(node, source, node.folding, options)
    fixed = request or LayerConfig()
    asked = [f for f in (fixed.pe, fixed.simd) if f is not None]
    candidates: list[Layer] = []
    for folding in planner.foldings(node, source, 0 if asked else arriving):
        if fixed.pe in {None, folding.pe} and fixed.simd in {None, folding.simd}:
            candidates.append(planner.plan(node, source, _with(folding, fixed), options))
    if not candidates:
        # Nothing matches: let the planner say which value is at fault and which is nearest.
        nearest = _with(Folding(fixed.pe or 1, fixed.simd or 1), fixed)
        candidates = [planner.plan(node, source, nearest, options)]
    as_asked = [layer for layer in candidates if _unmet(layer, fixed) is None]
    if not as_asked:
        _fail_unmet(candidates[0], fixed)
    in_time = [layer for layer in as_asked if layer.cycles <= config.cycles_wanted]
    if not in_time:
        return min(as_asked, key=lambda layer: (layer.cycles, _cost(layer, arriving)))
    return min(in_time, key=lambda layer: (_cost(layer, arriving), layer.cycles))


def _unmet(layer: Layer, fixed: LayerConfig) -> str | None:
    """Return a key of `fixed` that `layer` does not have as asked, or None."""
    asked = fixed.model_dump(exclude_none=True)
    unmet = (key for key, value in asked.items() if value not in {"", getattr(layer.folding, key)})
    return next(unmet, None)


def _fail_unmet(layer: Layer, fixed: LayerConfig) -> NoReturn:
    key = _unmet(layer, fixed)
    assert key is not None, "every choice is met"
    possible = getattr(layer.folding, key)
    message = f"{key} = {getattr(fixed, key)!r} is not possible for this '{layer.op}' layer"
    cure = f"use {key} = {possible!r}, or leave it out" if possible else f"leave {key} out"
    fail("B001", message, loc=layer.loc, help=cure)


def _with(folding: Folding, fixed: LayerConfig) -> Folding:
    return Folding(folding.pe, folding.simd, fixed.engine, fixed.memory, fixed.multipliers)


def _cost(layer: Layer, arriving: int) -> int:
    """Return the layer's price with the width converter that its input will need."""
    taken = layer.source.per_beat
    if not arriving or arriving == taken:
        return layer.resources.price
    wide, narrow = max(arriving, taken), min(arriving, taken)
    bits = wide * layer.source.elem.bits
    return layer.resources.price + (bits if wide % narrow == 0 else 4 * bits)


def _check_target(layers: Sequence[Layer], config: Config) -> None:
    slowest = max(layers, key=lambda layer: layer.cycles)
    best, clock = slowest.cycles, config.clock_mhz
    fps = clock * 1e6 / best
    if config.target_fps is not None and config.target_fps > clock * 1e6:
        wanted = f"{config.target_fps:,.0f} frames per second"
        cure = f"ask for at most {fps:,.0f} frames per second, or raise the clock"
    elif best > config.cycles_wanted:
        wanted = f"{config.cycles_wanted} cycles per frame"
        cure = f"use --max-cycles {best}, or a larger folding for that layer"
    else:
        return
    fail(
        "B002",
        f"{wanted} cannot be reached; the best is {best} cycles per frame",
        loc=slowest.loc,
        notes=[
            f"layer '{slowest.name}' needs {best} cycles with pe = {slowest.folding.pe}, "
            f"simd = {slowest.folding.simd}",
            f"at {clock:g} MHz that is {fps:,.0f} frames per second",
        ],
        help=cure,
    )
