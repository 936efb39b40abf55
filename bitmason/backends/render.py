"""Render templates, the only place that knows Jinja.

Invariant: a template that asks for what its view does not have is an error, never empty text.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"


def _range(width: int) -> str:
    return f"[{width - 1}:0]"


def _sv_string(text: str) -> str:
    assert '"' not in text and "\\" not in text, text
    return f'"{text}"'


def _overrides(parameters: Sequence[tuple[str, str]], indent: str) -> str:
    """Return parameter overrides, one a line; the first line is indented already."""
    return f",\n{indent}".join(f".{name}({text})" for name, text in parameters)


def _lane(width: int, lanes: int) -> str:
    """Return the part of a vector that belongs to the genvar `lane`."""
    each = width // lanes
    return f"[lane*{each}+:{each}]"


def _vector(ports: Sequence[Any], signal: str) -> str:
    """Return one signal of all ports as a vector, port 0 in the least significant place."""
    names = [f"{port.name}_{signal}" for port in reversed(ports)]
    return names[0] if len(names) == 1 else f"{{{', '.join(names)}}}"


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    environment.filters.update(
        range=_range,
        sv_string=_sv_string,
        overrides=_overrides,
        lane=_lane,
        vector=_vector,
    )
    return environment


def render(template: str, view: Any) -> str:
    """Return the text of `template` with `view` as its only variable."""
    return _environment().get_template(template).render(view=view)
