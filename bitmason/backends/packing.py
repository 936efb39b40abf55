"""Packing of element codes into stream beats and memory words.

Invariant: codes are non-negative; element 0 of a beat or word lies in the least significant bits,
and bytes run from the least significant one, so a beat is what an AXI4-Stream port carries.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from bitmason.ir.types import IntArray

ByteArray = npt.NDArray[np.uint8]

_ELEMENTS_AT_ONCE = 1 << 22  # bounds the bit matrix that packing makes to some tens of megabytes


def bytes_per_beat(bits: int, per_beat: int) -> int:
    """Return the bytes of a beat of `per_beat` elements of `bits` bits each."""
    return -(-bits * per_beat // 8)


def pack_elements(codes: IntArray, bits: int, per_beat: int) -> ByteArray:
    """Return `codes[frames, elements]` as `bytes[frames, beats, bytes per beat]`.

    Each beat is padded with zero bits to whole bytes.
    """
    frames, elements = codes.shape
    assert elements % per_beat == 0, f"{elements} elements do not fill beats of {per_beat}"
    beats = elements // per_beat
    rows = _pack_rows(codes.reshape(frames * beats, per_beat), bits)
    return rows.reshape(frames, beats, bytes_per_beat(bits, per_beat))


def unpack_elements(beats: ByteArray, bits: int, per_beat: int) -> IntArray:
    """Return `codes[frames, elements]` of `beats[frames, beats, bytes per beat]`."""
    frames, count, width = beats.shape
    assert width == bytes_per_beat(bits, per_beat), (
        f"beats of {width} bytes do not hold {per_beat} elements of {bits} bits"
    )
    rows = beats.reshape(frames * count, width)
    codes = np.empty((frames * count, per_beat), np.int64)
    for part in _parts(len(rows), per_beat):
        codes[part] = _unpack_part(rows[part], bits, per_beat)
    return codes.reshape(frames, count * per_beat)


def pack_words(codes: IntArray, bits: int) -> list[int]:
    """Return one integer for each row of `codes[words, lanes]`."""
    return [int.from_bytes(row.tobytes(), "little") for row in _pack_rows(codes, bits)]


def mem_file(codes: IntArray, bits: int) -> str:
    """Return the text of a `$readmemh` file: one hexadecimal word for each row of `codes`.

    A word has no more digits than its width needs, or simulators would warn of cut values.
    """
    packed = _pack_rows(codes, bits)
    words, width = packed.shape
    digits = -(-bits * codes.shape[1] // 4)
    text = np.frombuffer(packed[:, ::-1].tobytes().hex().encode(), np.uint8)
    lines = np.full((words, digits + 1), ord("\n"), np.uint8)
    lines[:, :digits] = text.reshape(words, 2 * width)[:, 2 * width - digits :]
    return lines.tobytes().decode()


def _parts(rows: int, per_row: int) -> Iterator[slice]:
    step = max(1, _ELEMENTS_AT_ONCE // per_row)
    return (slice(start, start + step) for start in range(0, rows, step))


def _pack_rows(codes: IntArray, bits: int) -> ByteArray:
    rows, lanes = codes.shape
    assert min(lanes, bits) > 0, f"rows of {lanes} elements of {bits} bits"
    if codes.size:
        lo, hi = int(codes.min()), int(codes.max())
        assert 0 <= lo <= hi < 1 << bits, f"codes {lo}..{hi} do not fit {bits} bits"
    packed = np.empty((rows, bytes_per_beat(bits, lanes)), np.uint8)
    for part in _parts(rows, lanes):
        packed[part] = _pack_part(codes[part], bits)
    return packed


def _container(bits: int) -> np.dtype[np.unsignedinteger]:
    """Return the smallest little-endian unsigned type that holds `bits` bits."""
    return np.dtype(next(f"<u{size}" for size in (1, 2, 4, 8) if bits <= 8 * size))


def _pack_part(codes: IntArray, bits: int) -> ByteArray:
    stored = np.ascontiguousarray(codes.astype(_container(bits)))
    if bits == 8 * stored.itemsize:
        return stored.view(np.uint8)
    if bits == 1:
        return np.packbits(stored, axis=1, bitorder="little")
    as_bytes = stored.view(np.uint8).reshape(*codes.shape, stored.itemsize)
    as_bits = np.unpackbits(as_bytes, axis=2, count=bits, bitorder="little")
    return np.packbits(as_bits.reshape(len(codes), -1), axis=1, bitorder="little")


def _unpack_part(rows: ByteArray, bits: int, per_beat: int) -> IntArray:
    stored = _container(bits)
    if bits == 8 * stored.itemsize:
        return np.ascontiguousarray(rows).view(stored).astype(np.int64)
    as_bits = np.unpackbits(rows, axis=1, count=bits * per_beat, bitorder="little")
    as_bytes = np.packbits(as_bits.reshape(-1, bits), axis=1, bitorder="little")
    padded = np.zeros((len(as_bytes), stored.itemsize), np.uint8)
    padded[:, : as_bytes.shape[1]] = as_bytes
    return padded.view(stored).astype(np.int64).reshape(len(rows), per_beat)
