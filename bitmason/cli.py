"""The command line: one command per step, diagnostics on stderr, exit status as documented.

Invariant: 0 done, 1 the user's input is at fault, 2 usage, 70 our bug; a traceback means 70.
"""

# An option of a command is a parameter of its function.
# ruff: noqa: PLR0913, PLR0917

from __future__ import annotations

import errno
import os
import signal
import sys
import threading
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from bitmason.diagnostics import CompileError, Diagnostic, fail, quote
from bitmason.terminal import Terminal

app = typer.Typer(
    name="bitmason",
    help="Compile low-bit neural networks to verified FPGA dataflow hardware.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text: the same on a terminal, in a pipe and in a log
)
terminal = Terminal()

EXIT_USER, EXIT_BUG = 1, 70
# What the machine may refuse at any time, whatever the program does.
_REFUSALS = {
    getattr(errno, name)
    for name in ("EACCES", "EDQUOT", "EFBIG", "EIO", "EMFILE", "ENFILE", "ENOMEM", "ENOSPC")
} | {errno.EPERM, errno.EROFS}


def _set_json(value: bool) -> None:
    terminal.json = terminal.json or value


Json = Annotated[
    bool,
    typer.Option("--json", callback=_set_json, help="Print diagnostics as JSON lines."),
]
Check = Annotated[bool, typer.Option("--check", help="Compare all bits around every pass.")]
Model = Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="QONNX or QCDQ model.")]
Seed = Annotated[
    int,
    typer.Option(min=0, max=2**64 - 1, metavar="S", help="Seed of stalls and random inputs."),
]
Dir = Annotated[Path, typer.Argument(metavar="DIR", help="Project written by `compile`.")]


@app.callback()
def _common(json: Json = False) -> None:
    pass


@app.command("compile")
def compile_(
    model: Model,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="New project.")],
    backend: Annotated[str, typer.Option(metavar="NAME", help="sv, hls or all.")] = "sv",
    config: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Target, clock, layer foldings.")
    ] = None,
    target_fps: Annotated[
        float | None, typer.Option(metavar="N", help="Frames per second, at least.")
    ] = None,
    max_cycles: Annotated[
        int | None, typer.Option(metavar="N", help="Cycles between frames, at most.")
    ] = None,
    clock_mhz: Annotated[
        float | None, typer.Option(metavar="F", help="Clock of the design, in MHz.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="NAME", help="Device that the design must fit: xc7z020...")
    ] = None,
    run_time_precision: Annotated[
        bool, typer.Option("--run-time-precision", help="Let registers set each layer's bits.")
    ] = False,
    vectors: Annotated[
        Path | None, typer.Option(metavar="X.npy", help="Inputs of the HLS test bench.")
    ] = None,
    check: Check = False,
    json: Json = False,
) -> None:
    """Compile a model to a SystemVerilog or HLS C++ project."""
    from bitmason.arrays import read_array
    from bitmason.backends.project import check_replaceable
    from bitmason.config import load_config
    from bitmason.parts import check_backend
    from bitmason.pipeline import compile_model

    check_backend(backend)
    if backend == "sv" and vectors is not None:
        raise typer.BadParameter("--vectors is for --backend hls or all")
    overrides = {
        "target_fps": target_fps,
        "max_cycles": max_cycles,
        "clock_mhz": clock_mhz,
        "device": device,
        "run_time_precision": run_time_precision or None,
    }
    settings = load_config(config, overrides)
    check_replaceable(output)
    given = None if vectors is None else read_array(vectors)
    with terminal.steps() as step:
        compiled = compile_model(model, settings, check=check, progress=step)
        step("writing the project")
        compiled.write(output, backend, given)
    terminal.compiled(compiled.report(), output)


@app.command()
def simulate(
    project: Dir,
    inputs: Annotated[Path, typer.Option(metavar="X.npy", help="Batch of model inputs.")],
    outputs: Annotated[Path, typer.Option(metavar="Y.npy", help="Where the answers go.")],
    engine: Annotated[str, typer.Option(metavar="NAME", help="golden, rtl or hls.")] = "golden",
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="LAYER.KNOB=N", help="As fc1.abits=2, or *.abits=2; several times."
        ),
    ] = None,
    stall: Annotated[
        float, typer.Option(min=0, max=0.99, metavar="P", help="Probability of a stall.")
    ] = 0.0,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Run a batch through the golden model, the simulated RTL or the HLS C++."""
    from bitmason.arrays import check_outputs, read_array, write_outputs
    from bitmason.backends.settings import parse_settings
    from bitmason.pipeline import load_project, write_measured

    settings = parse_settings(set_ or [])
    compiled = load_project(project)
    _check_apart({"--inputs": inputs, "--outputs": outputs})
    x = read_array(inputs)
    check_outputs(outputs)
    options: dict[str, Any] = {"settings": settings, "stall": stall, "seed": seed}
    with terminal.frames(len(x) if x.ndim else 0, engine) as progress:
        result = compiled.simulate(x, engine, **options, progress=progress)
    written = write_outputs(outputs, result.outputs)
    if engine == "rtl":  # the others have no cycles to measure
        write_measured(project, result.measured, settings)
    terminal.simulated(result.measured, written)


@app.command()
def verify(
    project: Dir,
    samples: Annotated[int, typer.Option(min=1, metavar="N", help="Random inputs to try.")] = 100,
    inputs: Annotated[
        Path | None, typer.Option(metavar="X.npy", help="Inputs to try besides.")
    ] = None,
    stall: Annotated[
        float, typer.Option(min=0, max=0.99, metavar="P", help="Stalls of a second run.")
    ] = 0.3,
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Prove that executor, golden model and hardware give the same bits."""
    from bitmason.arrays import read_array
    from bitmason.pipeline import load_project
    from bitmason.simulation import float_frames
    from bitmason.verification import verify_project

    compiled = load_project(project)
    given = None
    if inputs is not None:
        given = float_frames(compiled.imported.graph, read_array(inputs))
    with terminal.steps() as step:
        claims = verify_project(
            compiled, samples=samples, given=given, stall=stall, seed=seed, progress=step
        )
    terminal.claims(claims)
    broken = [claim.name for claim in claims if not claim.holds]
    if broken:
        fail(
            "S003",
            f"{len(broken)} of {len(claims)} comparisons failed: {', '.join(broken)}",
            help="if no file of the project was changed, please report this with the model",
        )


@app.command()
def synth(
    project: Dir,
    device: Annotated[str, typer.Option(metavar="NAME", help="ecp5-25k, ecp5-85k, xc7, xcup, ...")],
    route: Annotated[bool, typer.Option("--route", help="Place and route.")] = False,
    bitstream: Annotated[bool, typer.Option("--bitstream", help="Write a bitstream.")] = False,
    json: Json = False,
) -> None:
    """Synthesise a project (comes with a later version)."""
    fail(
        "C004",
        f"synthesis for {quote(device)} is not available in this version",
        help=f"use {project.name}/rtl/files.f with your synthesis tool; `report` shows estimates",
    )


@app.command()
def report(
    project: Dir,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    json: Json = False,
) -> None:
    """Show what each layer costs and how fast it is."""
    from bitmason.pipeline import load_project, read_measured

    if open_:
        fail("C004", "the HTML page comes with a later version", help="leave out --open")
    terminal.report(load_project(project).report(), read_measured(project))


@app.command("import")
def import_(
    model: Annotated[
        Path | None, typer.Argument(metavar="MODEL.onnx", help="QONNX or QCDQ model.")
    ] = None,
    print_after: Annotated[
        str | None, typer.Option(metavar="PASS", help="Print the graph after this pass.")
    ] = None,
    check: Check = False,
    list_passes: Annotated[
        bool, typer.Option("--list-passes", help="Print the passes and leave.")
    ] = False,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="As for compile.")
    ] = None,
    json: Json = False,
) -> None:
    """Print a model as the compiler sees it."""
    from bitmason.config import load_config
    from bitmason.pipeline import import_as_text, passes_as_text

    if list_passes:
        terminal.text(passes_as_text())
        return
    if model is None:
        raise typer.BadParameter("give MODEL.onnx, or --list-passes")
    settings = load_config(config, {})
    terminal.text(import_as_text(model, settings, print_after=print_after, check=check))


@app.command()
def formats(
    model: Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="Float network.")],
    data: Annotated[
        Path | None, typer.Option(metavar="X.npy", help="Inputs to search on, as in training.")
    ] = None,
    labels: Annotated[Path | None, typer.Option(metavar="Y.npy", help="Their classes.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="OUT.onnx", help="Chosen network.")
    ] = None,
    network: Annotated[
        str, typer.Option(metavar="NAME", help="exact, accurate or approximate.")
    ] = "accurate",
    accuracy: Annotated[
        float, typer.Option(min=0, max=1, metavar="P", help="Share of float32's right answers.")
    ] = 0.998,
    kept: Annotated[
        float, typer.Option(min=0.5, max=1, metavar="P", help="Share of exponents to begin with.")
    ] = 0.995,
    nearest: Annotated[
        bool, typer.Option("--nearest", help="Round to nearest instead of truncating.")
    ] = False,
    test_data: Annotated[
        Path | None, typer.Option(metavar="X.npy", help="Inputs for the last figures.")
    ] = None,
    test_labels: Annotated[
        Path | None, typer.Option(metavar="Y.npy", help="Their classes.")
    ] = None,
    report_to: Annotated[
        Path | None, typer.Option("--report", metavar="R.json", help="Where the figures go.")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Kept scores; default: OUT.onnx.search.")
    ] = None,
    jobs: Annotated[
        int, typer.Option(min=0, metavar="N", help="Processes; 0 is one for each core.")
    ] = 0,
    json: Json = False,
) -> None:
    """Search custom floating-point formats for a float network."""
    from bitmason.formats.command import Files, run_search, wishes_of

    wishes = wishes_of(network, accuracy, kept, nearest=nearest)
    files = Files(model, data, labels, test_data, test_labels, output, report_to, cache)
    with terminal.search() as progress:
        report, written = run_search(files, wishes, jobs, progress)
    terminal.formats(report, written)


@app.command()
def split(
    model: Model,
    at: Annotated[str, typer.Option(metavar="NODE", help="Quantiser of activations to cut at.")],
    head: Annotated[Path, typer.Option(metavar="HEAD.onnx", help="New file: up to it.")],
    tail: Annotated[Path, typer.Option(metavar="TAIL.onnx", help="New file: from it on.")],
    json: Json = False,
) -> None:
    """Cut a model in two, for designs that are joined by a bus."""
    from bitmason.arrays import check_outputs
    from bitmason.link import split as split_model
    from bitmason.link import write_halves

    _check_apart({"the model": model, "--head": head, "--tail": tail})
    for path in (head, tail):
        check_outputs(path)
    write_halves(split_model(model, at), head, tail)
    terminal.text(f"wrote {head}, {tail}\n")


@app.command()
def doctor(json: Json = False) -> None:
    """Show which tools are found, and how to get what is missing."""
    from bitmason.toolchain.doctor import diagnose

    terminal.tools(diagnose())


def main() -> None:
    """Run the command line and leave with its exit status."""
    _prepare_process()
    try:
        app()
    except CompileError as error:
        _leave(error.diagnostics)
    except OSError as error:
        if error.errno not in _REFUSALS:
            _report_bug()
        place = f": {quote(str(error.filename), 200)}" if error.filename else ""
        _leave([Diagnostic("C006", f"the system refused: {error.strerror}{place}")])
    except Exception:
        _report_bug()


def _check_apart(paths: Mapping[str, Path]) -> None:
    """Check that no two paths are the same file, so that nothing replaces what is read."""
    seen: dict[Path, str] = {}
    for name, path in paths.items():
        place = path.resolve()
        if place in seen and (place.is_file() or not place.exists()):
            fail(
                "C001",
                f"{seen[place]} and {name} are the same file, {quote(str(path), 200)}",
                help=f"give {name} a path of its own",
            )
        seen[place] = name


def _prepare_process() -> None:
    terminal.json = False
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by the caller
            nowhere = os.open(os.devnull, os.O_RDWR)
            setattr(sys, name, os.fdopen(nowhere, mode, encoding="utf-8"))
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # file names may hold anything
    for number in (signal.SIGTERM, signal.SIGHUP):
        in_main = threading.current_thread() is threading.main_thread()
        if in_main and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stop)


def _stop(number: int, _: Any) -> NoReturn:
    """Leave as Ctrl-C does: what is half done is cleaned up on the way out."""
    sys.exit(128 + number)


def _leave(diagnostics: Sequence[Diagnostic]) -> NoReturn:
    terminal.diagnostics(diagnostics)
    sys.exit(EXIT_USER)


def _report_bug() -> NoReturn:
    with suppress(OSError):
        sys.stderr.write(traceback.format_exc())
        sys.stderr.write("\nthis is a bug in bitmason; please report it with the text above\n")
    sys.exit(EXIT_BUG)


if __name__ == "__main__":
    main()
