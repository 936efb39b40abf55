"""One file per family of ONNX operators; importing this package registers all.

Invariant: adding a file here is all it takes to add importers; there is no list to edit.
"""

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
