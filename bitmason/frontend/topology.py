"""The nodes of an ONNX graph in an order in which they can be imported.

Invariant: what `arrange` returns is a proper data flow graph: every tensor has one producer, no
node reads what is made later, and every node contributes to an output.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from onnx import GraphProto

from bitmason.diagnostics import Collector, CompileError, Diagnostic, Loc, did_you_mean, quote
from bitmason.frontend.node_view import NodeView

_EXPORT_AGAIN = "export the model again; `onnx.checker.check_model` shows the same fault"


def arrange(graph: GraphProto, file: str) -> list[NodeView]:
    """Return the nodes that the outputs depend on, producers first.

    Raises:
        CompileError: F011, F012, F015; all that are found.
    """
    errors = Collector()
    nodes = [NodeView(proto, file) for proto in graph.node]
    _check_present(graph, file, errors)
    errors.raise_if_any()
    _check_names(graph, nodes, file, errors)
    _check_defined(graph, nodes, file, errors)
    errors.raise_if_any()
    return _sorted(_live(graph, nodes))


def _report(errors: Collector, code: str, message: str, loc: Loc, help_line: str) -> None:
    errors.add(CompileError([Diagnostic(code, message, loc, (), help_line)]))


def _given(graph: GraphProto) -> set[str]:
    return {value.name for value in graph.input} | {tensor.name for tensor in graph.initializer}


def _check_present(graph: GraphProto, file: str, errors: Collector) -> None:
    known = {tensor.name for tensor in graph.initializer}
    missing = {
        "no node": not graph.node,
        "no input": all(value.name in known for value in graph.input),
        "no output": not graph.output,
    }
    for what, is_missing in missing.items():
        if is_missing:
            message = f"the graph has {what}, so there is no network to compile"
            help_line = (
                "some exporters silently write an empty graph (dynamo does for QuantLSTM): export "
                "with dynamo=False"
            )
            _report(errors, "F015", message, Loc(file), help_line)


def _repeated(names: Iterable[str]) -> list[str]:
    return [name for name, count in Counter(filter(None, names)).items() if count > 1]


def _check_names(
    graph: GraphProto, nodes: Sequence[NodeView], file: str, errors: Collector
) -> None:
    for name in _repeated(proto.name for proto in graph.node):
        message = f"two nodes are called {quote(name)}"
        _report(errors, "F012", message, Loc(file, name), "give every node a name of its own")
    makers = [output for node in nodes for output in node.outputs]
    groups = {
        "the model has two inputs": [value.name for value in graph.input],
        "the model has two initialisers": [tensor.name for tensor in graph.initializer],
        "two nodes write a tensor": [*makers, *_given(graph)],
        "the model has two outputs": [value.name for value in graph.output],
    }
    for what, names in groups.items():
        for name in _repeated(names):
            message = f"{what} called {quote(name)}"
            _report(errors, "F012", message, Loc(file, name), "give every tensor a name of its own")


def _check_defined(
    graph: GraphProto, nodes: Sequence[NodeView], file: str, errors: Collector
) -> None:
    known = _given(graph) | {output for node in nodes for output in node.outputs}
    readers = [(node.loc, "a node reads", name) for node in nodes for name in node.inputs]
    readers += [(Loc(file), "the graph returns", value.name) for value in graph.output]
    for loc, what, name in readers:
        if name and name not in known:
            help_line = did_you_mean(name, known) or _EXPORT_AGAIN
            message = f"{what} tensor {quote(name)}, which nothing produces"
            _report(errors, "F011", message, loc, help_line)
    cyclic = _cycle(nodes)
    if cyclic is not None:
        message = "the graph has a cycle: this node depends on its own result"
        _report(errors, "F011", message, cyclic.loc, _EXPORT_AGAIN)


def _live(graph: GraphProto, nodes: Sequence[NodeView]) -> list[NodeView]:
    producer = {output: node for node in nodes for output in node.outputs if output}
    wanted = deque(value.name for value in graph.output)
    live: set[int] = set()
    while wanted:
        node = producer.get(wanted.popleft())
        if node is not None and id(node) not in live:
            live.add(id(node))
            wanted.extend(node.inputs)
    return [node for node in nodes if id(node) in live]


def _waves(nodes: Sequence[NodeView]) -> tuple[list[NodeView], dict[int, int]]:
    """Return the nodes that can run, in file order if possible, and what the others wait for."""
    producer = {output: i for i, node in enumerate(nodes) for output in node.outputs if output}
    needs = [{producer[name] for name in node.inputs if name in producer} for node in nodes]
    users: list[list[int]] = [[] for _ in nodes]
    for reader, needed in enumerate(needs):
        for index in needed:
            users[index].append(reader)
    waiting = {index: len(needed) for index, needed in enumerate(needs)}
    ready = [index for index, count in waiting.items() if not count]
    order: list[NodeView] = []
    while ready:
        index = heappop(ready)
        order.append(nodes[index])
        del waiting[index]
        for user in users[index]:
            waiting[user] -= 1
            if not waiting[user]:
                heappush(ready, user)
    return order, waiting


def _sorted(nodes: Sequence[NodeView]) -> list[NodeView]:
    order, waiting = _waves(nodes)
    assert not waiting, "the cycle check comes first"
    return order


def _cycle(nodes: Sequence[NodeView]) -> NodeView | None:
    """Return a node on a cycle, or None."""
    _, waiting = _waves(nodes)
    if not waiting:
        return None
    producer = {output: i for i, node in enumerate(nodes) for output in node.outputs if output}
    index, seen = next(iter(waiting)), set()
    while index not in seen:
        seen.add(index)
        names = nodes[index].inputs
        index = next(producer[name] for name in names if producer.get(name) in waiting)
    return nodes[index]
