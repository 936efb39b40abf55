"""Choose how much hardware each layer gets: the cheapest that meets the target.

Invariant: the result depends on the graph and the configuration alone, never on order or time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from bitmason.backends.design import Layer, Port
from bitmason.backends.layers import Options, Site, planner_of
from bitmason.backends.layers.windows import block_of, plan_windows, reblocked
from bitmason.config import Config, LayerConfig
from bitmason.diagnostics import Collector, CompileError, Diagnostic, did_you_mean, fail, quote
from bitmason.ir.graph import Folding, Graph, Node
from bitmason.ir.ops.windows import Windows


@dataclass(frozen=True)
class Chosen:
    """A node with its layer; the node's operation may have been re-blocked for its folding."""

    node: Node
    layer: Layer


class Wiring:
    """Which node makes the stream that another one reads, past operations that are wires."""

    def __init__(self, graph: Graph, nodes: Sequence[Node], wires: tuple[type, ...]) -> None:
        """Look at `nodes` of `graph`; those of the `wires` types have no hardware."""
        self._made_by = {node.name: node for node in nodes}
        self._graph, self._wires = graph, wires

    def origin(self, value: str) -> str:
        """Return the value that carries the same bits before all wires."""
        node = self._graph.producer(value)
        while node is not None and isinstance(node.op, self._wires):
            value = node.operands[0]
            node = self._graph.producer(value)
        return value

    def maker(self, value: str) -> Node | None:
        """Return the node with hardware that makes `value`, or None for the input."""
        return self._made_by.get(self.origin(value))


def choose_layers(
    graph: Graph, nodes: Sequence[Node], wiring: Wiring, config: Config
) -> dict[str, Chosen]:
    """Return one layer per node, by the node's name, in order.

    Layers are chosen one after the other: each takes the cheapest folding that meets the target,
    where cheap counts the layer, the window generator in front of it and the width converter.

    Raises:
        CompileError: B001 for a folding in `config` that is not possible, B002 for a target that
            no folding meets, C001 for a layer name that the network does not have.
    """
    wanted = _requests(nodes, config)
    chosen: dict[str, Chosen] = {}
    errors = Collector()
    for node in nodes:
        if isinstance(node.op, Windows):  # folded with what reads it
            continue
        try:
            for made in _chosen(graph, node, wiring, wanted, config, chosen):
                chosen[made.node.name] = made
        except CompileError as error:
            errors.add(error)
    errors.raise_if_any()
    if config.has_target:
        _check_target([made.layer for made in chosen.values()], config)
    return chosen


def _chosen(
    graph: Graph,
    node: Node,
    wiring: Wiring,
    wanted: Mapping[str, LayerConfig],
    config: Config,
    chosen: Mapping[str, Chosen],
) -> Iterator[Chosen]:
    """Yield the layer of a node, after that of the windows which feed it."""
    window = wiring.maker(node.operands[0])
    site = Site(node, graph.operand_types(node), Options(config.clock_mhz, config.target))
    if window is None or not isinstance(window.op, Windows):
        arriving = _arriving(node, wiring, chosen)
        yield Chosen(node, _choose(site, wanted.get(node.name), config, arriving))
        return
    image = graph[window.operands[0]].type
    site = replace(site, window=window.op, image=image)
    layer = _choose(site, wanted.get(node.name), config, None)
    windows_op = window.op
    request = wanted.get(window.name)
    if request is not None and window.folding is None:
        window = replace(window, folding=Folding(1, memory=request.memory))
    made = plan_windows(window, image, layer, node.op, config.cycles_wanted)
    if request is not None and (unmet := _unmet(made, request)) is not None:
        _fail_unmet(made, request, unmet, follows=node)
    block = block_of(windows_op, image.shape[2], node.op, layer.folding)
    yield Chosen(replace(window, op=replace(windows_op, block=block)), made)
    op = reblocked(node.op, windows_op.block, block, windows_op.taps)
    yield Chosen(replace(node, op=op), layer)


def _arriving(node: Node, wiring: Wiring, chosen: Mapping[str, Chosen]) -> Port | None:
    maker = wiring.maker(node.operands[0])
    return None if maker is None else chosen[maker.name].layer.sink


def _requests(nodes: Sequence[Node], config: Config) -> Mapping[str, LayerConfig]:
    """Match the names in the configuration with nodes, by our name or the user's own."""
    by_name = {node.name: node for node in nodes}
    # Several nodes come from one layer of the user's: the product is the one that is meant.
    by_user_name = {node.loc.node: node for node in reversed(nodes) if node.loc.node}
    products = [node for node in reversed(nodes) if hasattr(node.op, "weights")]
    by_user_name |= {node.loc.node: node for node in products if node.loc.node}
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
    site: Site, request: LayerConfig | None, config: Config, arriving: Port | None
) -> Layer:
    node, planner = site.node, planner_of(site.node)
    if node.folding is not None:  # chosen before, read back from a project
        return planner.plan(site, node.folding)
    fixed = request or LayerConfig()
    asked = [f for f in (fixed.pe, fixed.simd, fixed.mmv) if f is not None]
    candidates = _candidates(site, fixed, None if asked else arriving, config.cycles_wanted)
    if not candidates:
        # Nothing matches: let the planner say which value is at fault and which is nearest.
        nearest = _with(Folding(fixed.pe or 1, fixed.simd or 1, mmv=fixed.mmv or 1), fixed)
        candidates = [planner.plan(site, nearest)]
    as_asked = [layer for layer in candidates if _unmet(layer, fixed) is None]
    if not as_asked:
        first = candidates[0]
        key = _unmet(first, fixed)
        assert key is not None, "every choice is met"
        _fail_unmet(first, fixed, key)
    in_time = [layer for layer in as_asked if layer.cycles <= config.cycles_wanted]
    if not in_time:
        return min(as_asked, key=lambda layer: (layer.cycles, _cost(layer, arriving)))
    return min(in_time, key=lambda layer: (_cost(layer, arriving), layer.cycles))


def _candidates(site: Site, fixed: LayerConfig, arriving: Port | None, wanted: int) -> list[Layer]:
    """Return the layers that the folding factors of `fixed` allow.

    Foldings come with ascending `mmv`: once one of them is in time, more pixels side by side
    could only cost more.
    """
    planner = planner_of(site.node)
    found: list[Layer] = []
    for folding in planner.foldings(site, arriving):
        more = bool(found) and folding.mmv > found[-1].folding.mmv and fixed.mmv is None
        if more and any(layer.cycles <= wanted for layer in found):
            break
        pairs = ((fixed.pe, folding.pe), (fixed.simd, folding.simd), (fixed.mmv, folding.mmv))
        if all(asked in {None, given} for asked, given in pairs):
            found.append(planner.plan(site, _with(folding, fixed)))
    return found


def _unmet(layer: Layer, fixed: LayerConfig) -> str | None:
    """Return a key of `fixed` that `layer` does not have as asked, or None."""
    asked = fixed.model_dump(exclude_none=True)
    unmet = (key for key, value in asked.items() if value not in {"", getattr(layer.folding, key)})
    return next(unmet, None)


def _fail_unmet(
    layer: Layer, fixed: LayerConfig, key: str, follows: Node | None = None
) -> NoReturn:
    possible = getattr(layer.folding, key)
    message = f"{key} = {getattr(fixed, key)!r} is not possible for this '{layer.op}' layer"
    notes = [] if follows is None else [f"it follows '{follows.name}', the layer that reads it"]
    cure = f"use {key} = {possible!r}, or leave it out" if possible else f"leave {key} out"
    fail("B001", message, loc=layer.loc, notes=notes, help=cure)


def _with(folding: Folding, fixed: LayerConfig) -> Folding:
    return replace(folding, engine=fixed.engine, memory=fixed.memory, multipliers=fixed.multipliers)


def _cost(layer: Layer, arriving: Port | None) -> int:
    """Return the layer's price with the width converter that its input will need."""
    taken = layer.sources[0]
    if arriving is None or arriving.per_beat == taken.per_beat:
        return layer.resources.price
    wide, narrow = (pick(arriving.per_beat, taken.per_beat) for pick in (max, min))
    bits = wide * taken.elem.bits
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
