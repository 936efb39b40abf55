"""What a person sees of a search: a line for each tensor, then the totals."""

from __future__ import annotations

from typing import Any

from rich.table import Table

from bitmason.diagnostics import quote

_COLUMNS = ("layer", "tensor", "values", "exponents", "format", "range", "covered", "bits", "alone")


def tensors_table(report: dict[str, Any]) -> Table:
    """Return the table of the tensors of a report."""
    title = f"{report['model']}: formats of the {report['network']} network"
    table = Table(title=title, title_justify="left")
    for name in _COLUMNS:
        left = name in {"layer", "tensor", "format"}
        table.add_column(name, justify="left" if left else "right", overflow="fold")
    for tensor in report["tensors"]:
        exponents = [int(e) for e in tensor["exponents"]] or [0]
        alone = tensor["normalised"]
        table.add_row(
            quote(tensor["layer"])[1:-1],
            tensor["kind"],
            f"{tensor['values']:,}",
            f"{min(exponents)}..{max(exponents)}",
            _format(tensor["format"]),
            "{}..{}".format(*tensor["window"]),
            f"{tensor['coverage']:.1%}",
            str(tensor["bits"]),
            "-" if alone is None else f"{alone:.2%}",
        )
    return table


def _format(form: dict[str, int]) -> str:
    return f"E{form['e_bits']}M{form['m_bits']}, bias {form['bias']}"


def totals_text(report: dict[str, Any]) -> str:
    """Return the totals of a report."""
    lines = [
        f"{name:<12} {_network(found)}"
        for name, found in (*report["networks"].items(), ("chosen", report["chosen"]))
    ]
    steps = len(report["repairs"])
    lines.append(
        f"float32 has {report['float']['accuracy']:.2%} of {report['frames']:,} frames right; "
        f"'chosen' is '{report['network']}' with {steps} bits more."
    )
    test, which = report["test"], "further"
    if test is not None:
        which = "other test"
        lines.append(
            f"On {test['frames']:,} test frames: {test['accuracy']:.2%} right, float32 "
            f"{test['accuracy_float']:.2%}."
        )
    lines.append(_replay(report["replay"], which))
    return "\n".join(lines) + "\n"


def _network(found: dict[str, Any]) -> str:
    return (
        f"{found['bits_per_weight']:.2f} bits a weight, {found['bits_per_activation']:.2f} an "
        f"activation, {found['memory']:.1%} of the memory, {found['normalised']:.2%} of the "
        "right answers"
    )


def _replay(found: dict[str, Any], which: str) -> str:
    return (
        f"On {found['frames']:,} {which} frames: {found['accuracy_alone']:.2%} right, "
        f"{found['accuracy']:.2%} with {found['replayed']:.1%} of them replayed in float32 "
        f"(confidence below {found['threshold']:.3f}), float32 {found['accuracy_float']:.2%}."
    )
