"""Search custom floating-point formats for the weights and activations of a float network."""

from __future__ import annotations

from bitmason.formats.network import FloatNetwork, load_network
from bitmason.formats.preparation import Data
from bitmason.formats.search import Found, Wishes, search
from bitmason.formats.sweep import Choice, Rules

__all__ = [
    "Choice",
    "Data",
    "FloatNetwork",
    "Found",
    "Rules",
    "Wishes",
    "load_network",
    "search",
]
