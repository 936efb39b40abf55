"""Weights of few values in little memory: gaps under a Huffman code, and checksums over it all."""

from bitmason.coding.bits import DamageError
from bitmason.coding.huffman import CodeTable
from bitmason.coding.streams import Head
from bitmason.coding.weights import (
    Coded,
    CodedLayer,
    decode,
    encode,
    encode_layer,
    frequencies,
    table_for,
)

__all__ = [
    "CodeTable",
    "Coded",
    "CodedLayer",
    "DamageError",
    "Head",
    "decode",
    "encode",
    "encode_layer",
    "frequencies",
    "table_for",
]
