"""Diagnostics: what is wrong with the user's input, where, what was expected, what to do next.

Invariant: every message a user can cause is a `Diagnostic` with a code from `bitmason.codes`; our
own mistakes are assertions and other exceptions, never diagnostics.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from bitmason.codes import CODES

_SHOWN_NAME_CHARS = 64


def quote(name: str, limit: int = _SHOWN_NAME_CHARS) -> str:
    """Return `name` in quotes, safe to print: control characters escaped, long names shortened.

    Names inside a model file are hostile input: they may hold newlines, escape sequences or
    thousands of characters.
    """
    shown = printable(name)
    if len(shown) > limit:
        shown = f"{shown[: limit // 2]}...{shown[-limit // 4 :]} ({len(name)} characters)"
    return f"'{shown}'"


def printable(text: str) -> str:
    """Return `text` with control characters escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


@dataclass(frozen=True)
class Loc:
    """Where a value comes from: the model file and the node as the user trained it."""

    file: str
    node: str = ""

    def __str__(self) -> str:
        file, node = quote(self.file, 200)[1:-1], quote(self.node, 96)[1:-1]
        return f"{file}#{node}" if self.node else file


@dataclass(frozen=True)
class Diagnostic:
    """One finding: a code, one sentence, its place, notes and the next step to take."""

    code: str
    message: str
    loc: Loc | None = None
    notes: tuple[str, ...] = ()
    help: str | None = None

    def __post_init__(self) -> None:
        assert self.code in CODES, f"diagnostic code {self.code} is not in bitmason.codes"

    def __str__(self) -> str:
        place = f"{self.loc}: " if self.loc else ""
        lines = [f"{place}error[{self.code}]: {self.message}"]
        lines += [f"  note: {note}" for note in self.notes]
        if self.help:
            lines.append(f"  help: {self.help}")
        return "\n".join(lines)

    def to_json(self) -> str:
        """Return the diagnostic as one line of JSON (`--json`)."""
        return json.dumps(
            {
                "code": self.code,
                "severity": "error",
                "message": self.message,
                "file": self.loc.file if self.loc else None,
                "node": self.loc.node if self.loc else None,
                "notes": list(self.notes),
                "help": self.help,
            }
        )


class CompileError(Exception):
    """The user's input is at fault; carries one diagnostic or more."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Keep `diagnostics`, of which there is at least one."""
        assert diagnostics, "a compile error without a diagnostic"
        super().__init__("\n".join(str(diagnostic) for diagnostic in diagnostics))
        self.diagnostics = tuple(diagnostics)


def fail(
    code: str,
    message: str,
    *,
    loc: Loc | None = None,
    notes: Sequence[str] = (),
    help: str | None = None,
) -> NoReturn:
    """Stop with one diagnostic.

    Raises:
        CompileError: always.
    """
    raise CompileError([Diagnostic(code, message, loc, tuple(notes), help)])


class Collector:
    """Gathers the diagnostics of one stage, so that the user sees all of them at once."""

    def __init__(self) -> None:
        """Start with none."""
        self._found: list[Diagnostic] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    def add(self, error: CompileError) -> None:
        """Keep the diagnostics of `error`, each once."""
        self._found += [d for d in error.diagnostics if d not in self._found]

    def raise_if_any(self) -> None:
        """End the stage.

        Raises:
            CompileError: with everything gathered, if anything was.
        """
        if self._found:
            raise CompileError(self._found)


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Return "did you mean 'X'?" for the known name nearest to `name`, or None."""
    folded = {candidate.lower(): candidate for candidate in known}
    matches = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f"did you mean '{folded[matches[0]]}'?" if matches else None
