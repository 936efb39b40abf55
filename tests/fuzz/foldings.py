"""Random legal foldings of single layers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import numpy as np

from bitmason.backends.folding import Wiring
from bitmason.backends.hardware import WIRES, hardware_part
from bitmason.backends.layers import Planner, Site, planner_of
from bitmason.backends.layers.engines import RAS
from bitmason.backends.layers.memory import STYLES
from bitmason.backends.layers.ras.loaded import LOADED
from bitmason.config import LayerConfig
from bitmason.diagnostics import CompileError
from bitmason.ir.graph import Folding, Graph, Node
from bitmason.ir.ops.dense import Dense
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
    ways: dict[tuple[str, str, bool], list[Folding]] = {}
    for legal in planner.foldings(site, None):
        ways.setdefault(_way(site, legal), []).append(legal)
    # Each engine and each form of Reduce-and-Scale as often as the others.
    engines = list(dict.fromkeys(engine for engine, _, _ in ways))
    engine = engines[int(rng.integers(len(engines)))]
    forms = [foldings for (of, _, _), foldings in ways.items() if of == engine]
    alike = forms[int(rng.integers(len(forms)))]
    folding = alike[int(rng.integers(len(alike)))]
    memories = ("", *STYLES, LOADED) if engine == RAS else ("", *STYLES)
    memory = folding.memory or str(rng.choice(memories))
    if not _has(planner, site, replace(folding, memory=memory)):
        memory = ""  # this layer has nothing to store there
    return LayerConfig(
        pe=folding.pe, simd=folding.simd, mmv=folding.mmv, engine=folding.engine, memory=memory
    )


def _way(site: Site, folding: Folding) -> tuple[str, str, bool]:
    """Return what a folding is one of: an engine, and the form where it has several."""
    op = site.node.op
    at_once = isinstance(op, Dense) and (folding.pe, folding.simd) == op.weights.shape
    return folding.engine, folding.memory, folding.engine == RAS and at_once


def _has(planner: Planner, site: Site, folding: Folding) -> bool:
    with suppress(CompileError):
        return planner.plan(site, folding).folding.memory == folding.memory
    return False
