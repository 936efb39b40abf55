"""Choose how much hardware each layer gets: the cheapest that meets the target.

Invariant: the result depends on the graph and the configuration alone, never on order or time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from bitmason.backends.design import Layer, Port, Prices
from bitmason.backends.layers import Options, Site, planner_of
from bitmason.backends.layers.memory import STANDARD
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


class Folder:
    """Folds the layers of one network, for one target after the other."""

    def __init__(
        self, graph: Graph, nodes: Sequence[Node], wiring: Wiring, config: Config
    ) -> None:
        """Match the layers that `config` names with `nodes`.

        Raises:
            CompileError: C001 for a layer name that the network does not have.
        """
        self._graph, self._nodes, self._wiring, self._config = graph, nodes, wiring, config
        self._wanted = _requests(nodes, config)
        self._planned: dict[tuple[str, Folding, Prices], Layer] = {}

    @property
    def is_fixed(self) -> bool:
        """Whether every folding was chosen before, as in a project that was read back."""
        return all(node.folding is not None for node in self._nodes)

    def choose(self, cycles: int, prices: Prices = STANDARD) -> dict[str, Chosen]:
        """Return one layer per node, by the node's name, in order.

        Layers are chosen one after the other: each takes the cheapest folding of at most `cycles`,
        or the fastest where none is so fast; cheap counts the layer and its width converter.

        Raises:
            CompileError: B001 for a folding in the configuration that is not possible.
        """
        chosen: dict[str, Chosen] = {}
        errors = Collector()
        for node in self._nodes:
            if isinstance(node.op, Windows):  # folded with what reads it
                continue
            try:
                for made in self._chosen(node, cycles, prices, chosen):
                    chosen[made.node.name] = made
            except CompileError as error:
                errors.add(error)
        errors.raise_if_any()
        return chosen

    def _chosen(
        self, node: Node, cycles: int, prices: Prices, chosen: Mapping[str, Chosen]
    ) -> Iterator[Chosen]:
        """Yield the layer of a node, after that of the windows which feed it."""
        config = self._config
        options = Options(config.clock_mhz, config.target, prices)
        site = Site(node, self._graph.operand_types(node), options)
        window = self._wiring.maker(node.operands[0])
        if window is None or not isinstance(window.op, Windows):
            arriving = None if window is None else chosen[window.name].layer.sink
            yield Chosen(node, self._choose(site, cycles, arriving))
            return
        op = window.op
        site = replace(site, window=op, image=self._graph[window.operands[0]].type)
        layer = self._choose(site, cycles, None)
        request = self._wanted.get(window.name)
        if request is not None and window.folding is None:
            window = replace(window, folding=Folding(1, memory=request.memory))
        made = plan_windows(site, window, layer, cycles)
        if request is not None and (unmet := _unmet(made, request)) is not None:
            _fail_unmet(made, request, unmet, follows=node)
        assert site.image is not None
        block = block_of(op, site.image.shape[2], node.op, layer.folding)
        yield Chosen(replace(window, op=replace(op, block=block)), made)
        yield Chosen(replace(node, op=reblocked(node.op, op.block, block, op.taps)), layer)

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


def _cost(layer: Layer, arriving: Port | None, prices: Prices) -> float:
    """Return the layer's price with the width converter that its input will need."""
    taken = layer.sources[0]
    if arriving is None or arriving.per_beat == taken.per_beat:
        return layer.resources.price(prices)
    wide, narrow = (pick(arriving.per_beat, taken.per_beat) for pick in (max, min))
    bits = wide * taken.elem.bits
    return layer.resources.price(prices) + (bits if wide % narrow == 0 else 4 * bits)


def check_target(layers: Sequence[Layer], config: Config) -> None:
    """Check that every layer is as fast as the configuration demands.

    Raises:
        CompileError: B002 with the best that can be reached and the layer that limits it.
    """
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
