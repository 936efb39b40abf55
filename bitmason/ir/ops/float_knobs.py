"""Formats that may change from frame to frame, as operations are told them."""

from __future__ import annotations

from bitmason.diagnostics import fail
from bitmason.ir.custom_float import CustomFloat


def check_knobs(op: str, format_: CustomFloat, knobs: tuple[int, ...]) -> None:
    """Check that engines built for a format can be told another one by `knobs`.

    Raises:
        CompileError: I001 otherwise.
    """
    if not knobs:
        return
    own = format_.knobs
    if not format_.can_change or len(knobs) != len(own):
        fail("I001", f"{op} cannot change {format_} by {len(knobs)} numbers")
    if not all(1 <= knob <= most for knob, most in zip(knobs, own, strict=True)):
        fail("I001", f"{op} has knobs {knobs}, from 1 to {own} are possible")
