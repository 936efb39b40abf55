"""Choose how much hardware each layer gets: the cheapest that meets the target.

Invariant: the result depends on the graph and the configuration alone, never on order or time.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NoReturn

from bitmason.backends.design import Layer, Port, Prices
from bitmason.backends.layers import Options, Site, planner_of
from bitmason.backends.layers.engines import RAS, engines_of, is_offered
from bitmason.backends.layers.memory import STANDARD
from bitmason.backends.layers.ras.forms import OWN_MEMORIES
from bitmason.backends.layers.windows import block_of, plan_windows, reblocked, taken_by
from bitmason.config import DEFAULT_MAX_CYCLES, Config, LayerConfig
from bitmason.diagnostics import Collector, CompileError, Diagnostic, did_you_mean, fail, quote
from bitmason.ir.graph import Folding, Graph, Node
from bitmason.ir.ops.dense import Dense
from bitmason.ir.ops.depthwise import Depthwise
from bitmason.ir.ops.windows import Windows
from bitmason.ir.ops.xnor_popcount import XnorPopcount
from bitmason.ir.types import Bipolar

MODEST_BIT_PRODUCTS = 4096


@dataclass(frozen=True)
class Chosen:
    """A node with its layer; the node's operation may have been re-blocked for its folding."""

    node: Node
    layer: Layer


@dataclass(frozen=True)
class _Option:
    """A layer that a node could get, with the window generator that it would need.

    `asked` is the folding that it was planned, or only `sketched`, for.
    """

    layer: Layer
    window: Layer | None
    asked: Folding
    sketched: bool = False

    @property
    def cycles(self) -> int:
        """Cycles between frames of the slower of the two."""
        return max(self.layer.cycles, self.window.cycles if self.window else 0)

    def price(self, arriving: Port | None, prices: Prices) -> float:
        """Return the price of both, and of the width converter in front of them."""
        if self.window is not None:
            return (self.layer.resources + self.window.resources).price(prices)
        return _cost(self.layer, arriving, prices)


@dataclass(frozen=True)
class Candidate:
    """What one engine would make of a product: its price in LUTs counts windows and converters."""

    layer: Layer
    cycles: int
    price: int


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

    def __init__(self, graph: Graph, nodes: Sequence[Node], wiring: Wiring, config: Config) -> None:
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

    @property
    def modest_cycles(self) -> int:
        """The target of a user who has none: a few thousand products of bits per cycle."""
        work = sum(_bit_products(self._graph, node) for node in self._nodes)
        return max(DEFAULT_MAX_CYCLES, work // MODEST_BIT_PRODUCTS)

    def choose(self, cycles: int, prices: Prices = STANDARD) -> dict[str, Chosen]:
        """Return one layer per node, by the node's name, in order.

        As `reach` does; then all are chosen again for the pace of the slowest: no layer is faster
        than that needs.

        Raises:
            CompileError: B001 for a folding in the configuration that is not possible.
        """
        first = self.reach(cycles, prices)
        pace = max((made.layer.cycles for made in first.values()), default=cycles)
        return first if pace == cycles else self.reach(pace, prices)

    def reach(self, cycles: int, prices: Prices = STANDARD) -> dict[str, Chosen]:
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
        site, maker, arriving = self._place(node, prices, chosen)
        made = self._choose(site, maker, cycles, arriving)
        if maker is None:
            yield Chosen(node, made.layer)
            return
        op, request = maker.op, self._wanted.get(maker.name)
        assert isinstance(op, Windows) and made.window is not None and site.image is not None
        if request is not None and (unmet := _unmet(made.window, request)) is not None:
            _fail_unmet(made.window, request, unmet, follows=node)
        block = block_of(op, site.image.shape[2], node.op, taken_by(made.layer))
        yield Chosen(replace(maker, op=replace(op, block=block)), made.window)
        yield Chosen(replace(node, op=reblocked(node.op, op.block, block, op.taps)), made.layer)

    def _place(
        self, node: Node, prices: Prices, chosen: Mapping[str, Chosen]
    ) -> tuple[Site, Node | None, Port | None]:
        """Return the site of a node, the windows that feed it, the stream before it if known."""
        config = self._config
        options = Options(config.clock_mhz, config.target, prices)
        site = Site(node, self._graph.operand_types(node), options)
        maker = self._wiring.maker(node.operands[0])
        if maker is None or not isinstance(maker.op, Windows):
            # A layer before that could not be planned: its fault is told with those found here.
            before = None if maker is None else chosen.get(maker.name)
            return site, None, None if before is None else before.layer.sink
        request = self._wanted.get(maker.name)
        site = replace(site, window=maker.op, image=self._graph[maker.operands[0]].type)
        if request is not None and maker.folding is None:
            maker = replace(maker, folding=Folding(1, memory=request.memory))
        return site, maker, None

    def compare(self, cycles: int, prices: Prices = STANDARD) -> dict[str, tuple[Candidate, ...]]:
        """Return what each engine would make of each product, by the node's name.

        Each is as `reach` would choose it; an engine that the configuration rules out is left out.
        """
        chosen = self.reach(cycles, prices)
        found: dict[str, tuple[Candidate, ...]] = {}
        for node in self._nodes:
            taken = chosen[node.name].layer.engine
            engines = [e for e in engines_of(node.op) if e == taken or is_offered(node.op, e)]
            if not engines:
                continue
            site, window, arriving = self._place(replace(node, folding=None), prices, chosen)
            candidates: list[Candidate] = []
            for engine in engines:
                with suppress(CompileError):
                    option = self._choose(site, window, cycles, arriving, engine)
                    price = option.price(arriving, prices)
                    candidates.append(Candidate(option.layer, option.cycles, round(price)))
            found[node.name] = tuple(candidates)
        return found

    def _choose(
        self,
        site: Site,
        window: Node | None,
        cycles: int,
        arriving: Port | None,
        engine: str = "",
    ) -> _Option:
        node = site.node
        if node.folding is not None:  # chosen before, read back from a project
            return self._option(site, window, node.folding, cycles)
        fixed = self._wanted.get(node.name) or LayerConfig()
        asked = [f for f in (fixed.pe, fixed.simd, fixed.mmv) if f is not None]
        if not engine and not fixed.engine and fixed.memory in OWN_MEMORIES:
            engine = RAS if RAS in engines_of(node.op) else ""
        elif not engine and not fixed.engine and (fixed.pe or fixed.simd):
            # The same numbers mean other cycles to another engine: the usual one is meant.
            engine = next(iter(engines_of(node.op)), "")
        if engine:
            fixed = fixed.model_copy(update={"engine": engine})
        near = None if asked else arriving
        options = self._options(site, window, fixed, near, cycles)
        if not options:
            # Nothing matches: let the planner say which value is at fault and which is nearest.
            nearest = _with(Folding(fixed.pe or 1, fixed.simd or 1, mmv=fixed.mmv or 1), fixed)
            options = [self._option(site, window, nearest, cycles)]
        as_asked = [option for option in options if _unmet(option.layer, fixed) is None]
        if not as_asked:
            key = _unmet(options[0].layer, fixed)
            assert key is not None, "every choice is met"
            _fail_unmet(options[0].layer, fixed, key)

        def rank(option: _Option) -> tuple[bool, float, float]:
            price = option.price(arriving, site.prices)
            late = option.cycles > cycles
            return (True, option.cycles, price) if late else (False, price, option.cycles)

        while (best := min(as_asked, key=rank)).sketched:
            # It may be a little slower or dearer than it seemed, and no longer the best.
            as_asked[as_asked.index(best)] = self._option(site, window, best.asked, cycles)
        return best

    def _options(
        self,
        site: Site,
        window: Node | None,
        fixed: LayerConfig,
        arriving: Port | None,
        cycles: int,
    ) -> list[_Option]:
        """Return what the folding factors of `fixed` allow.

        Foldings come with ascending `mmv`: once one of them is in time, more pixels side by side
        could only cost more.
        """
        found: list[_Option] = []
        for folding in planner_of(site.node).foldings(site, arriving):
            more = bool(found) and folding.mmv > found[-1].layer.folding.mmv and fixed.mmv is None
            if more and any(option.cycles <= cycles for option in found):
                break
            pairs = ((fixed.pe, folding.pe), (fixed.simd, folding.simd), (fixed.mmv, folding.mmv))
            if fixed.engine:
                other = folding.engine not in {"", fixed.engine}
            else:
                other = not is_offered(site.node.op, folding.engine)
            if not other and all(asked in {None, given} for asked, given in pairs):
                found.append(self._sketch(site, window, _with(folding, fixed), cycles))
        return found

    def _sketch(self, site: Site, window: Node | None, folding: Folding, cycles: int) -> _Option:
        layer = None
        if self._key(site, folding) not in self._planned:
            layer = planner_of(site.node).sketch(site, folding)
        return self._option(site, window, folding, cycles, layer)

    def _option(
        self,
        site: Site,
        window: Node | None,
        folding: Folding,
        cycles: int,
        sketch: Layer | None = None,
    ) -> _Option:
        layer = sketch or self._plan(site, folding)
        feeder = None if window is None else plan_windows(site, window, layer, cycles)
        return _Option(layer, feeder, folding, sketch is not None)

    def _key(self, site: Site, folding: Folding) -> tuple[str, Folding, Prices]:
        return site.node.name, folding, site.prices

    def _plan(self, site: Site, folding: Folding) -> Layer:
        key = self._key(site, folding)
        if key not in self._planned:
            self._planned[key] = planner_of(site.node).plan(site, folding)
        return self._planned[key]


def _bit_products(graph: Graph, node: Node) -> int:
    """Return the products of single bits that a frame takes in a layer."""
    op = node.op
    if not isinstance(op, Dense | XnorPopcount | Depthwise):
        return 0
    weight = Bipolar() if isinstance(op, XnorPopcount) else op.stored
    rows, columns = op.weights.shape
    pixels = node.type.size // rows
    (x,) = graph.operand_types(node)
    return pixels * rows * columns * weight.bits * x.int_elem.bits


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


def _unmet(layer: Layer, fixed: LayerConfig) -> str | None:
    """Return a key of `fixed` that `layer` does not have as asked, or None."""
    asked = fixed.model_dump(exclude_none=True, exclude={"run_time_precision"})
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
    engine = fixed.engine or folding.engine
    memory = fixed.memory or folding.memory
    return replace(folding, engine=engine, memory=memory, multipliers=fixed.multipliers)


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
    if not layers:
        return
    slowest = max(layers, key=lambda layer: layer.cycles)
    best, clock = slowest.cycles, config.clock_mhz
    fps = clock * 1e6 / best
    if config.target_fps is not None and config.target_fps > clock * 1e6:
        wanted = f"{config.target_fps:,.0f} frames per second"
        cure = f"ask for at most {fps:,.0f} frames per second, or raise the clock"
    elif best > config.cycles_wanted:
        wanted = f"{config.cycles_wanted} cycles per frame"
        cure = f"use --max-cycles {best}"
        cure += ", or a larger folding for that layer" if config.layers else ""
    else:
        return
    fail(
        "B002",
        f"{wanted} cannot be reached; the best is {best} cycles per frame",
        loc=slowest.loc,
        notes=[
            f"layer '{slowest.name}' needs {best} cycles with {_shown(slowest.folding)}",
            f"at {clock:g} MHz that is {fps:,.0f} frames per second",
        ],
        help=cure,
    )


def _shown(folding: Folding) -> str:
    side_by_side = f", mmv = {folding.mmv}" if folding.mmv > 1 else ""
    return f"pe = {folding.pe}, simd = {folding.simd}{side_by_side}"
