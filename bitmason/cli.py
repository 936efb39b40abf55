"""The command line: one command per step, diagnostics on stderr, exit status as documented.

Invariant: 0 done, 1 the user's input is at fault, 2 usage, 70 our bug; a traceback means 70.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path
from typing import Annotated, Any

import typer

from bitmason.diagnostics import CompileError, fail
from bitmason.terminal import Terminal

app = typer.Typer(
    name="bitmason",
    help="Compile low-bit neural networks to verified FPGA dataflow hardware.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
terminal = Terminal()

EXIT_USER, EXIT_BUG = 1, 70


def _set_json(value: bool) -> None:
    terminal.json = terminal.json or value


Json = Annotated[
    bool,
    typer.Option("--json", callback=_set_json, help="Print diagnostics as JSON lines."),
]
Model = Annotated[Path, typer.Argument(metavar="MODEL.onnx", help="QONNX or QCDQ model.")]
Dir = Annotated[Path, typer.Argument(metavar="DIR", help="Project written by `compile`.")]


@app.callback()
def _common(json: Json = False) -> None:
    pass


@app.command("compile")
def compile_(
    model: Model,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="New project.")],
    backend: Annotated[str, typer.Option(help="sv, hls or all.")] = "sv",
    config: Annotated[
        Path | None, typer.Option(metavar="FILE.toml", help="Target, clock, layer foldings.")
    ] = None,
    target_fps: Annotated[float | None, typer.Option(help="Frames per second, at least.")] = None,
    max_cycles: Annotated[int | None, typer.Option(help="Cycles between frames, at most.")] = None,
    clock_mhz: Annotated[float | None, typer.Option(help="Clock of the design.")] = None,
    check: Annotated[bool, typer.Option(help="Compare all bits around every pass.")] = False,
    json: Json = False,
) -> None:
    """Compile a model to a SystemVerilog project."""
    from bitmason.config import load_config
    from bitmason.pipeline import check_backend, compile_model

    check_backend(backend)
    overrides = {"target_fps": target_fps, "max_cycles": max_cycles, "clock_mhz": clock_mhz}
    settings = load_config(config, overrides)
    with terminal.steps() as step:
        compiled = compile_model(model, settings, check=check, progress=step)
        step("writing the project")
        compiled.write(output)
    terminal.compiled(compiled.report(), output)


@app.command()
def simulate(
    project: Dir,
    inputs: Annotated[Path, typer.Option(metavar="X.npy", help="Batch of model inputs.")],
    outputs: Annotated[Path, typer.Option(metavar="Y.npy", help="Where the answers go.")],
    engine: Annotated[str, typer.Option(help="golden or rtl.")] = "golden",
    stall: Annotated[float, typer.Option(min=0, max=0.99, help="Probability of a stall.")] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the stalls.")] = 0,
    json: Json = False,
) -> None:
    """Run a batch through the golden model or the simulated hardware."""
    from bitmason.arrays import read_array, write_outputs
    from bitmason.pipeline import load_project, write_measured

    compiled = load_project(project)
    x = read_array(inputs)
    with terminal.frames(len(x) if x.ndim else 0, engine) as progress:
        result = compiled.simulate(x, engine, stall=stall, seed=seed, progress=progress)
    written = write_outputs(outputs, result.outputs)
    write_measured(project, result.measured)
    terminal.simulated(result.measured, written)


@app.command()
def verify(
    project: Dir,
    samples: Annotated[int, typer.Option(min=1, help="Random inputs to try.")] = 100,
    inputs: Annotated[
        Path | None, typer.Option(metavar="X.npy", help="Inputs to try besides.")
    ] = None,
    stall: Annotated[float, typer.Option(min=0, max=0.99, help="Stalls of a second run.")] = 0.3,
    seed: Annotated[int, typer.Option(min=0, help="Seed of inputs and stalls.")] = 0,
    json: Json = False,
) -> None:
    """Prove that executor, golden model and hardware give the same bits."""
    from bitmason.arrays import read_array
    from bitmason.pipeline import load_project
    from bitmason.verification import verify_project

    compiled = load_project(project)
    given = None if inputs is None else read_array(inputs)
    with terminal.steps() as step:
        claims = verify_project(
            compiled, samples=samples, given=given, stall=stall, seed=seed, progress=step
        )
    terminal.claims(claims)
    if not all(claim.holds for claim in claims):
        raise typer.Exit(EXIT_USER)


@app.command()
def synth(
    project: Dir,
    device: Annotated[str, typer.Option(help="ecp5-25k, ecp5-85k, xc7, xcup, ...")],
    route: Annotated[bool, typer.Option(help="Place and route.")] = False,
    bitstream: Annotated[bool, typer.Option(help="Write a bitstream.")] = False,
    json: Json = False,
) -> None:
    """Synthesise a project (comes with a later version)."""
    fail(
        "C004",
        f"synthesis for {device} is not available in this version",
        help=f"use {project.name}/rtl/files.f with your synthesis tool; `report` shows estimates",
    )


@app.command()
def report(
    project: Dir,
    open_: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False,
    json: Json = False,
) -> None:
    """Show what each layer costs and how fast it is."""
    from bitmason.pipeline import load_project

    if open_:
        fail("C004", "the HTML page comes with a later version", help="leave out --open")
    terminal.report(load_project(project).report())


@app.command("import")
def import_(
    model: Model,
    print_after: Annotated[
        str | None, typer.Option(metavar="PASS", help="Print the graph after this pass.")
    ] = None,
    check: Annotated[bool, typer.Option(help="Compare all bits around every pass.")] = False,
    list_passes: Annotated[bool, typer.Option(help="Print the passes and leave.")] = False,
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
    settings = load_config(config, {})
    terminal.text(import_as_text(model, settings, print_after=print_after, check=check))


@app.command()
def doctor(json: Json = False) -> None:
    """Show which tools are found, and how to get what is missing."""
    from bitmason.toolchain.doctor import diagnose

    tools: list[Any] = diagnose()
    terminal.tools(tools)


def main() -> None:
    """Run the command line and leave with its exit status."""
    try:
        app()
    except CompileError as error:
        terminal.diagnostics(error.diagnostics)
        sys.exit(EXIT_USER)
    except BrokenPipeError:
        sys.stderr.close()  # the reader of our output left; nothing more to say
        sys.exit(EXIT_USER)
    except Exception:  # noqa: BLE001  the last line of defence
        sys.stderr.write(traceback.format_exc())
        sys.stderr.write("\nthis is a bug in bitmason; please report it with the text above\n")
        sys.exit(EXIT_BUG)


if __name__ == "__main__":
    main()
