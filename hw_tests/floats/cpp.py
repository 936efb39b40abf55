"""Builds C++ programs that use the HLS library, and declares formats for them.

Invariant: no warning of g++ is let through.
"""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bitmason.ir.custom_float import NEAREST, CustomFloat
from bitmason.ir.rounding import Rounding
from bitmason.toolchain import gxx, hls

HLS = Path(__file__).resolve().parents[2] / "bitmason" / "templates" / "hls"
_FLAGS = ("-Wall", "-Wextra", "-Werror", "-Wno-unknown-pragmas")


def build(source: Path, folder: Path, files: Mapping[str, str], options: Sequence[str]) -> Path:
    """Return the program of `source`, which includes `files`."""
    for name, text in files.items():
        (folder / name).write_text(text)
    headers = [f"-I{folder}", f"-I{HLS}", f"-I{HLS / 'sim'}", "-isystem", str(hls.find().folder)]
    program = folder / source.stem
    command = [str(gxx.find().path), "-std=c++14", *_FLAGS, *options, *headers, str(source)]
    subprocess.run([*command, "-o", str(program)], check=True)
    return program


def members(form: CustomFloat, rounding: Rounding) -> str:
    """Return the declarations of a format as members of a configuration."""
    unsigned = f"E_BITS = {form.e_bits}, M_BITS = {form.m_bits}, LARGEST = {form.top}"
    return (
        f"  static constexpr unsigned {unsigned};\n"
        f"  static constexpr int BIAS = {form.bias};\n"
        f"  static constexpr bool NEAREST = {str(rounding == NEAREST).lower()},"
        f" SUBNORMALS = {str(form.subnormals).lower()};\n"
    )


def settings(form: CustomFloat, rounding: Rounding) -> list[int]:
    """Return a format as a program reads it at run time, in words of 32 bits."""
    return [form.e_bits, form.m_bits, form.bias % 2**32, form.top, int(rounding == NEAREST)]


def play_all(structs: Sequence[str], calls: Sequence[str]) -> str:
    """Return the text that declares configurations C0, C1 ... and calls what plays them."""
    declared = [f"struct C{i} {{\n{text}}};\n" for i, text in enumerate(structs)]
    called = [f"  {call};\n" for call in calls]
    return f"{''.join(declared)}\nstatic void play_all() {{\n{''.join(called)}}}\n"
