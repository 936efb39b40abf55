"""Read a model file and make it self-contained.

Invariant: no byte outside the model's own folder is ever read, and a file that protobuf cannot
parse ends in a diagnostic.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.message import DecodeError, EncodeError
from onnx import ModelProto, TensorProto

from bitmason.diagnostics import Loc, fail, quote
from bitmason.frontend.tensors import bytes_needed, check_size


@dataclass(frozen=True)
class Loaded:
    """A parsed model, its name in messages, and its self-contained bytes."""

    model: ModelProto
    file: str
    data: bytes


def load(source: Path | bytes, name: str | None) -> Loaded:
    """Read `source`, a path or the bytes of a model.

    Raises:
        CompileError: F001, F002, F013, F015.
    """
    if isinstance(source, bytes):
        file, data, folder = name or "<bytes>", source, None
    else:
        file, data, folder = name or source.name, _read(source), source.parent
    model = _parse(data, file)
    if _pull_in(model, file, folder):
        try:
            data = model.SerializeToString()
        except (EncodeError, ValueError):
            fail("F013", "with its external data the model is larger than 2 GiB", loc=Loc(file))
    return Loaded(model, file, data)


def _read(path: Path) -> bytes:
    help_line = "give the path of an .onnx file"
    try:
        if path.is_dir():
            fail("F002", f"{quote(str(path), 1000)} is a folder", help=help_line)
        if not path.is_file():
            fail("F002", f"there is no file {quote(str(path), 1000)}", help=help_line)
        return path.read_bytes()
    except (OSError, ValueError) as error:
        fail("F002", f"{quote(str(path), 1000)} cannot be read: {error}", help=help_line)


def _parse(data: bytes, file: str) -> ModelProto:
    help_line = "export the model again; `onnx.load` must be able to read it"
    if not data:
        fail("F001", "the file is empty", loc=Loc(file), help=help_line)
    try:
        model: ModelProto = ModelProto.FromString(data)
    except (DecodeError, RuntimeError):
        fail("F001", "the file is truncated or not ONNX", loc=Loc(file), help=help_line)
    if not model.HasField("graph"):
        fail("F001", "the file holds no ONNX graph", loc=Loc(file), help=help_line)
    # protobuf gives bytes instead of a string for what is not UTF-8.
    if any(isinstance(text, bytes) for text in _texts(model)):
        fail("F001", "the file holds names that are not UTF-8", loc=Loc(file), help=help_line)
    if not model.opset_import:
        message = "the file does not say which version of the ONNX operators it uses"
        fail("F001", message, loc=Loc(file), help=help_line)
    return model


def _texts(model: ModelProto) -> Iterator[str | bytes]:
    """Return every name in the model that the import may look at."""
    for value in (*model.graph.input, *model.graph.output):
        yield value.name
        yield from (dim.dim_param for dim in value.type.tensor_type.shape.dim)
    for node in model.graph.node:
        yield from (node.name, node.op_type, node.domain, *node.input, *node.output)
        yield from (attribute.name for attribute in node.attribute)
    for tensor in _tensors(model):
        yield tensor.name
        yield from (text for entry in tensor.external_data for text in (entry.key, entry.value))
    yield from (entry.domain for entry in model.opset_import)


def _tensors(model: ModelProto) -> Iterator[TensorProto]:
    yield from model.graph.initializer
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t


def _pull_in(model: ModelProto, file: str, folder: Path | None) -> bool:
    """Replace external data by its bytes, check all sizes, tell whether any was moved."""
    moved = False
    for tensor in _tensors(model):
        loc = Loc(file, tensor.name)
        if tensor.data_location == TensorProto.EXTERNAL:
            tensor.raw_data = _external(tensor, folder, loc)
            del tensor.external_data[:]
            tensor.ClearField("data_location")
            moved = True
        check_size(tensor, loc)
    return moved


def _external(tensor: TensorProto, folder: Path | None, loc: Loc) -> bytes:
    entries = {entry.key: entry.value for entry in tensor.external_data}
    location = entries.get("location", "")
    help_line = "save the model as one file: onnx.save(model, PATH, save_as_external_data=False)"
    if folder is None:
        message = f"tensor {quote(tensor.name)} is stored in {quote(location)}, outside these bytes"
        fail("F013", message, loc=loc, help=help_line)
    path = _inside(location, folder, loc, help_line)
    needed = bytes_needed(tensor, loc)
    offset, length = entries.get("offset", "0"), entries.get("length", "")
    size = path.stat().st_size
    fits = _is_count(offset) and (not length or (_is_count(length) and int(length) == needed))
    if not fits or int(offset) + needed > size:
        message = (
            f"tensor {quote(tensor.name)} needs {needed} bytes at offset {quote(offset, 32)} of "
            f"{quote(location)}, which holds {size}"
        )
        fail("F013", message, loc=loc, help=help_line)
    with path.open("rb") as stream:
        stream.seek(int(offset))
        return stream.read(needed)


def _is_count(text: str) -> bool:
    return text.isdecimal() and len(text) <= 18


def _inside(location: str, folder: Path, loc: Loc, help_line: str) -> Path:
    try:
        path = (folder / location).resolve()
        inside = path.is_relative_to(folder.resolve())
        found = inside and path.is_file()
    except (OSError, ValueError, RuntimeError):
        inside, found = False, False
    if not inside:
        message = f"external data {quote(location)} lies outside the model's folder"
        fail("F013", message, loc=loc, help=help_line)
    if not found:
        fail("F013", f"external data {quote(location)} is missing", loc=loc, help=help_line)
    return path
