"""Random legal foldings of single layers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bitmason.backends.folding import Wiring
from bitmason.backends.hardware import WIRES, hardware_part
from bitmason.backends.layers import Site, planner_of
from bitmason.backends.layers.memory import STYLES
from bitmason.config import LayerConfig
from bitmason.ir.graph import Graph, Node
from bitmason.ir.ops.windows import Windows


def random_foldings(graph: Graph, rng: np.random.Generator) -> dict[str, LayerConfig]:
    """Return foldings for about two layers of three of a lowered graph."""
    part = hardware_part(graph)
    nodes = [node for node in part.nodes if not isinstance(node.op, WIRES)]
    wiring = Wiring(graph, nodes, WIRES)
    found: dict[str, LayerConfig] = {}
    for node in nodes:
        if rng.random() < 1 / 3:
            continue
        if isinstance(node.op, Windows):
            found[node.name] = LayerConfig(memory=str(rng.choice(STYLES)))
        else:
            found[node.name] = _random(_site(graph, wiring, node), rng)
    return found


def _site(graph: Graph, wiring: Wiring, node: Node) -> Site:
    maker = wiring.maker(node.operands[0])
    site = Site(node, graph.operand_types(node))
    if maker is None or not isinstance(maker.op, Windows):
        return site
    return Site(node, site.sources, window=maker.op, image=graph[maker.operands[0]].type)


def _random(site: Site, rng: np.random.Generator) -> LayerConfig:
    planner = planner_of(site.node)
    legal = list(planner.foldings(site, None))
    folding = legal[int(rng.integers(len(legal)))]
    asked = LayerConfig(
        pe=folding.pe,
        simd=folding.simd,
        mmv=folding.mmv,
        engine=folding.engine,
        memory=str(rng.choice(("", *STYLES))),
    )
    wanted = replace(folding, memory=asked.memory)
    if not asked.memory or planner.plan(site, wanted).folding.memory == asked.memory:
        return asked
    return asked.model_copy(update={"memory": ""})  # this layer has nothing to store there
