"""From a model to a project and its simulation: the steps behind the command line.

Invariant: only this layer joins frontend, passes, backends and tools; each of them knows only the
IR.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bitmason.backends.dataflow import build_design, compare_engines
from bitmason.backends.design import Design
from bitmason.backends.project import MANIFEST, Project, write_project
from bitmason.config import Config, make_config
from bitmason.diagnostics import CompileError, Loc, fail, quote
from bitmason.frontend import Imported, import_model
from bitmason.ir import Graph, parse_graph, print_graph, verify
from bitmason.ir.passes.float_ports import FloatPorts
from bitmason.ir.passes.pipelines import LOWER, Observer, pass_named, run_passes
from bitmason.ir.passes.run_time_precision import RunTimePrecision
from bitmason.ir.passes.select_argmax import SelectArgmax
from bitmason.ir.rewrite import Pass
from bitmason.ir.types import Array
from bitmason.parts import Part, emit_parts, load_parts
from bitmason.report.summary import summarise
from bitmason.simulation import Engine, Hls, Measured, Rtl, Simulated, simulate
from bitmason.version import __version__

Progress = Callable[[str], None]
GRAPH, MODEL, REPORT = "graph.ir", "model.onnx", "report.json"
SIMULATION = "simulate.json"
# How reading a graph ends that breaks the rules which `verify` and the ops assert.
_ILL_FORMED = (
    *(ArithmeticError, AssertionError, AttributeError, LookupError),
    *(RecursionError, TypeError, ValueError),
)


def _silent(_: str) -> None:
    pass


@dataclass(frozen=True)
class Compiled:
    """A compiled network: ask it for a report, a simulation, or its files.

    `rtl` and `hls` are where its RTL and its C++ stand, once they have been written.
    """

    model: bytes
    source: str
    design: Design
    config: Config
    rtl: Rtl | None = None
    hls: Hls | None = None

    @property
    def engines(self) -> Mapping[str, Engine]:
        """The engines that what was written can run, besides the golden model."""
        known = {"rtl": self.rtl, "hls": self.hls}
        return {name: engine for name, engine in known.items() if engine is not None}

    @property
    def digest(self) -> bytes:
        """The SHA-256 of the model's file."""
        return hashlib.sha256(self.model).digest()

    @cached_property
    def imported(self) -> Imported:
        """The network as it was read from the model, before any pass."""
        return _import(self.model, self.source, self.config)

    def report(self) -> dict[str, Any]:
        """Return what `report.json` holds: cycles, folding and estimated resources per layer."""
        return summarise(self.design, compare_engines(self.design, self.config))

    def project(self, backend: str = "sv", vectors: Array | None = None) -> Project:
        """Return every file of the project, in memory; see `write`."""
        return self._project(emit_parts(self.design, backend, vectors, self.digest))

    def _project(self, parts: Mapping[str, Part]) -> Project:
        files: dict[str, str | bytes] = {
            f"{folder}/{name}": content
            for folder, part in parts.items()
            for name, content in part.files.items()
        }
        files[GRAPH] = print_graph(self.design.graph)
        files[MODEL] = self.model
        files[REPORT] = json.dumps(self.report(), indent=2) + "\n"
        files[MANIFEST] = json.dumps(self._manifest(parts), indent=2) + "\n"
        return Project(files)

    def _manifest(self, parts: Mapping[str, Part]) -> dict[str, Any]:
        return {
            "bitmason": __version__,
            "model": self.source,
            **{folder: dict(part.entry) for folder, part in parts.items()},
            "config": self.config.model_dump(mode="json", exclude_none=True),
        }

    def write(
        self, folder: Path | str, backend: str = "sv", vectors: Array | None = None
    ) -> Compiled:
        """Write the project, whole or not at all, and return it with its place.

        Args:
            folder: where to; a project that stands there is replaced.
            backend: "sv", "hls" or "all".
            vectors: what the HLS test bench plays, inputs as `simulate` takes them; a few random
                integers by default.

        Raises:
            CompileError: C001 for a backend that does not exist, C002 when the folder cannot be
                written or replaced, S001 when `vectors` do not fit the model.
        """
        folder = Path(folder)
        parts = emit_parts(self.design, backend, vectors, self.digest)
        write_project(self._project(parts), folder)
        rtl, hls = load_parts(folder, self._manifest(parts))
        return replace(self, rtl=rtl, hls=hls)

    def simulate(self, x: Array, engine: str = "golden", **options: Any) -> Simulated:
        """Return the network's outputs for a batch; see `bitmason.simulation.simulate`."""
        return simulate(self.design, x, engine, self.engines.get(engine), **options)


def compile_model(
    model: Path | str | bytes,
    config: Config | None = None,
    *,
    name: str | None = None,
    check: bool = False,
    progress: Progress = _silent,
) -> Compiled:
    """Compile a QONNX or QCDQ model.

    Args:
        model: the file, or its bytes.
        config: target, clock and foldings; the default is `Config()`.
        name: what to call the model in messages, where `model` is bytes.
        check: interpret the graph before and after every pass and compare all bits.
        progress: told the name of each step as it begins.

    Raises:
        CompileError: the model or the configuration is at fault.
    """
    config = config or Config()
    progress("reading the model")
    path = Path(model) if isinstance(model, str) else model
    imported = _import(path, name, config)
    return compile_imported(imported, config, check=check, progress=progress)


def compile_imported(
    imported: Imported, config: Config, *, check: bool = False, progress: Progress = _silent
) -> Compiled:
    """Lower an imported network and build its design.

    Raises:
        CompileError: the network cannot be built as `config` asks.
    """
    progress("lowering to integers")
    lowered = lower(imported.graph, config, check=check)
    progress("folding")
    source = imported.graph.inputs[0].loc.file
    return Compiled(imported.model, source, build_design(lowered, config), config)


def lower(
    graph: Graph, config: Config, *, check: bool = False, after: Observer | None = None
) -> Graph:
    """Return the integer graph of an imported one.

    Raises:
        CompileError: a P code when it cannot be lowered.
    """
    graph = SelectArgmax(config.argmax).run(graph)
    asked = {name: layer.run_time_precision for name, layer in config.layers.items()}
    named = tuple((name, wanted) for name, wanted in asked.items() if wanted is not None)
    configured: dict[str, Pass] = {
        RunTimePrecision.name: RunTimePrecision(config.run_time_precision, named),
        FloatPorts.name: FloatPorts(config.float_ports or "", config.run_time_precision),
    }
    passes = [
        configured.get(step.name, step)
        for step in LOWER
        if config.argmax is not False or step.name != "rank-classifier"
    ]
    return run_passes(graph, passes, check=check, after=after)


def load_project(folder: Path | str) -> Compiled:
    """Read back a project that `Compiled.write` wrote.

    Raises:
        CompileError: C003 when the folder is not a whole project.
    """
    folder = Path(folder)
    loc = Loc(quote(str(folder), 200)[1:-1])
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        model = (folder / MODEL).read_bytes()
        text = (folder / GRAPH).read_text(encoding="utf-8")
        config = make_config(manifest["config"], loc)
        rtl, hls = load_parts(folder, manifest)
        source = str(manifest["model"])
    except CompileError:
        raise
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        fail(
            "C003",
            f"{quote(folder.name)} is not a bitmason project: {_reason(error)}",
            loc=loc,
            help="run `bitmason compile MODEL.onnx -o DIR` first",
        )
    design = _design_of(text, f"{loc.file}/{GRAPH}", config)
    return Compiled(model, source, design, config, rtl, hls)


def _design_of(text: str, file: str, config: Config) -> Design:
    """Return the design of the graph that a project's file holds; anyone may have edited it."""
    try:
        graph = parse_graph(text, file)
        verify(graph)
        return build_design(graph, config)
    except CompileError as error:
        found = [d if d.loc else replace(d, loc=Loc(file)) for d in error.diagnostics]
        raise CompileError(found) from None
    except _ILL_FORMED as error:
        reason = next(iter(str(error).splitlines()), "") or type(error).__name__
        fail(
            "C003",
            f"the graph is not well-formed: {reason}",
            loc=Loc(file),
            help="compile the model again to get a fresh file",
        )


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        name = Path(str(error.filename or "")).name
        return f"{quote(name, 200)}: {(error.strerror or 'unreadable').lower()}"
    return f"its {MANIFEST} is damaged"


def import_as_text(
    model: Path, config: Config, *, print_after: str | None = None, check: bool = False
) -> str:
    """Return the imported graph as text, or the graph after the pass `print_after`.

    Raises:
        CompileError: the model is at fault, or C005 for an unknown pass.
    """
    shown = _import(model, None, config).graph
    if print_after is None and not check:
        return print_graph(shown)
    wanted = None if print_after is None else pass_named(print_after, LOWER)
    texts = [print_graph(shown)]
    lower(
        shown,
        config,
        check=check,
        after=lambda step, graph: texts.append(print_graph(graph)) if step == wanted else None,
    )
    return texts[-1]


def passes_as_text() -> str:
    """Return the passes in the order in which they run, with what each of them does."""
    lines = [f"{step.name:<18} {(step.__doc__ or '').splitlines()[0]}\n" for step in LOWER]
    return "".join(lines)


def write_measured(folder: Path, measured: Measured, settings: Mapping[str, int]) -> None:
    """Write simulate.json to the project: what was measured, and the settings given for it.

    Raises:
        CompileError: C002 when the project may not be written to.
    """
    rate = {"samples_per_second": measured.samples_per_second}
    content = asdict(measured) | rate | {"settings": dict(settings)}
    staging = folder / f".simulate-{os.getpid()}.json"
    try:
        staging.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        staging.replace(folder / SIMULATION)
    except OSError as error:
        with suppress(OSError):
            staging.unlink()
        fail("C002", f"{SIMULATION} cannot be written: {error.strerror}", loc=Loc(folder.name))


def read_measured(folder: Path) -> dict[str, Any] | None:
    """Return what simulate.json holds, or None where the project was not simulated."""
    with suppress(OSError, ValueError):
        found = json.loads((folder / SIMULATION).read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else None
    return None


def _import(model: Path | bytes, name: str | None, config: Config) -> Imported:
    if isinstance(model, Path):
        # The name ends up in messages and in comments of the RTL: one line of plain characters.
        name = name or quote(model.name, 96)[1:-1]
    declared = (config.input.elem, config.input.exact_scale) if config.input else None
    return import_model(model, name, declared_input=declared)
