"""Descriptions that print as the shortest call that makes them."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any


class Brief:
    """A dataclass whose `repr` leaves out what has its default."""

    def __repr__(self) -> str:
        parts: list[str] = []
        for field in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            value: Any = getattr(self, field.name)
            if field.default is MISSING:
                parts.append(f"{value!r}" if len(parts) == 0 else f"{field.name}={value!r}")
            elif value != field.default:
                parts.append(f"{field.name}={value!r}")
        return f"{type(self).__name__}({', '.join(parts)})"
