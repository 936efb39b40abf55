"""What a layer is made of, in terms that every backend has: a cell, parameters, tables.

Invariant: nothing here is text of a target language; importing this package registers the emitters.
"""

import importlib
import pkgutil

from bitmason.backends.emission.registry import (
    EMITTERS,
    Adders,
    Emission,
    Parameter,
    Table,
    Vector,
)

__all__ = ["EMITTERS", "Adders", "Emission", "Parameter", "Table", "Vector"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
