"""How each operation becomes hardware, for every backend alike: legal foldings, cycles, cost.

Invariant: importing this package registers a planner for every file in it; there is no list.
"""

import importlib
import pkgutil

from bitmason.backends.layers.registry import PLANNERS, Options, Planner, Site, planner_of

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

__all__ = ["PLANNERS", "Options", "Planner", "Site", "planner_of"]
