"""The frontend: QONNX and QCDQ files and Brevitas modules into the intermediate representation.

Invariant: no input ends in any exception but `CompileError`; torch is loaded only to export a
module.
"""

from bitmason.frontend.brevitas import from_brevitas
from bitmason.frontend.importer import Imported, import_model

__all__ = ["Imported", "from_brevitas", "import_model"]
