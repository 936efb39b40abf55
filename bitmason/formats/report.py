"""What a search has found, as JSON: each tensor's exponents and formats, the networks, replays.

Invariant: the same search gives the same report, to the byte.
"""

from __future__ import annotations

from typing import Any

from bitmason.formats.evaluation import Assignment, Score
from bitmason.formats.histogram import exponents_of
from bitmason.formats.network import Kind
from bitmason.formats.replay import Replay
from bitmason.formats.search import Found
from bitmason.formats.sweep import Choice
from bitmason.ir.custom_float import CustomFloat

_FLOAT_BITS = 32


def report_of(found: Found) -> dict[str, Any]:
    """Return the report."""
    wishes, right = found.wishes, found.float_score.right
    return {
        "model": found.network.file,
        "frames": found.frames,
        "rounding": wishes.rounding,
        "kept": float(wishes.rules.kept),
        "wanted": float(wishes.accuracy),
        "network": str(wishes.choice),
        "float": {
            "right": right,
            "accuracy": round(right / found.frames, 5),
            "cross_entropy": round(-found.float_score.gain, 5),
        },
        "tensors": [_tensor(found, site) for site in range(len(found.formats))],
        "networks": {
            str(choice): _network(found, formats, score)
            for choice, (formats, score) in found.joint.items()
        },
        "chosen": _network(found, found.formats, found.score),
        "repairs": [
            {
                "layer": found.network.sites[step.site].layer,
                "kind": str(found.network.sites[step.site].kind),
                "before": _format(step.before),
                "after": _format(step.after),
                "normalised": round(step.score.right / right, 5),
            }
            for step in found.steps
        ],
        "replay": _replay(found.replay),
        "test": None if found.test is None else _tested(*found.test),
    }


def _tensor(found: Found, site: int) -> dict[str, Any]:
    about, histogram = found.network.sites[site], found.histograms[site]
    form = found.formats[site]
    assert form is not None
    return {
        "layer": about.layer,
        "kind": str(about.kind),
        "tensor": about.tensor,
        "values": about.values,
        "zeros": histogram.zeros,
        "exponents": {str(e): histogram.counts[e] for e in sorted(histogram.counts)},
        "format": _format(form),
        "bits": form.bits,
        "window": list(exponents_of(form)),
        "coverage": round(float(histogram.coverage(form)), 5),
        "normalised": _alone(found, site, form),
        "explored": [
            {**_format(one.form), "normalised": _normalised(found, one.score)}
            for one in found.explored[site]
        ],
        "bits_of": {str(choice): _bits(found, choice, site) for choice in Choice},
    }


def _normalised(found: Found, score: Score) -> float:
    return round(score.right / found.float_score.right, 5)


def _alone(found: Found, site: int, form: CustomFloat) -> float | None:
    """Return the normalised accuracy with this format alone, None where that was not tried."""
    scores = [one.score for one in found.explored[site] if one.form == form]
    return _normalised(found, scores[0]) if scores else None


def _bits(found: Found, choice: Choice, site: int) -> int:
    form = found.joint[choice][0][site]
    assert form is not None
    return form.bits


def _network(found: Found, formats: Assignment, score: Score) -> dict[str, Any]:
    memory: dict[Kind, int] = dict.fromkeys(Kind, 0)
    values: dict[Kind, int] = dict.fromkeys(Kind, 0)
    for site, form in zip(found.network.sites, formats, strict=True):
        values[site.kind] += site.values
        memory[site.kind] += site.values * (_FLOAT_BITS if form is None else form.bits)
    bits, numbers = sum(memory.values()), sum(values.values())
    return {
        "bits_per_weight": round(memory[Kind.WEIGHTS] / values[Kind.WEIGHTS], 3),
        "bits_per_activation": round(memory[Kind.ACTIVATIONS] / values[Kind.ACTIVATIONS], 3),
        "weight_bits": memory[Kind.WEIGHTS],
        "activation_bits": memory[Kind.ACTIVATIONS],
        "memory": round(bits / (_FLOAT_BITS * numbers), 4),
        "right": score.right,
        "accuracy": round(score.right / found.frames, 5),
        "normalised": _normalised(found, score),
        "cross_entropy": round(-score.gain, 5),
    }


def _format(form: CustomFloat) -> dict[str, int]:
    return {"e_bits": form.e_bits, "m_bits": form.m_bits, "bias": form.bias}


def _tested(frames: int, right: int, float_right: int) -> dict[str, Any]:
    return {
        "frames": frames,
        "accuracy": round(right / frames, 5),
        "accuracy_float": round(float_right / frames, 5),
        "normalised": round(right / float_right, 5) if float_right else None,
    }


def _replay(found: Replay) -> dict[str, Any]:
    return {
        "threshold": found.threshold,
        "frames": found.frames,
        "replayed": round(found.replayed / found.frames, 5),
        "accuracy": round(found.right / found.frames, 5),
        "accuracy_alone": round(found.right_alone / found.frames, 5),
        "accuracy_float": round(found.right_float / found.frames, 5),
    }
