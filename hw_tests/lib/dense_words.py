"""Frames of beats and the dense words that they become, for bm_pack and bm_unpack."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hw_tests.bench.packing import pack, unpack, words
from hw_tests.bench.wrapper import Parameter


@dataclass(frozen=True)
class Shape:
    """Bits of a beat and of a word, and beats of a frame."""

    beat_bits: int
    word_bits: int
    beats: int

    @property
    def words(self) -> int:
        """Words of a frame."""
        return -(-self.beats * self.beat_bits // self.word_bits)

    @property
    def parameters(self) -> dict[str, Parameter]:
        """What the cells are asked for."""
        return {"BEAT_W": self.beat_bits, "WORD_W": self.word_bits, "BEATS": self.beats}

    @property
    def cycles(self) -> int:
        """Cycles per frame."""
        return max(self.beats, self.words)

    def draw(self, rng: np.random.Generator) -> tuple[list[int], list[int]]:
        """A frame's beats, and its words."""
        beats = words(rng, self.beats, self.beat_bits)
        return beats, unpack(pack(beats, self.beat_bits), self.word_bits, self.words)


SHAPES = {
    "same": Shape(8, 8, 3),
    "up": Shape(8, 32, 8),
    "up_filled": Shape(8, 32, 5),
    "up_one_beat": Shape(8, 32, 1),
    "up_bits": Shape(1, 8, 11),
    "gear24to32": Shape(24, 32, 8),
    "gear24to32_filled": Shape(24, 32, 3),
    "gear7to16": Shape(7, 16, 5),
    "gear9to8": Shape(9, 8, 7),
    "gear_two_words_at_the_end": Shape(15, 16, 2),
    "gear_bubble": Shape(5, 8, 2),
    "gear7to8": Shape(7, 8, 9),
    "down": Shape(64, 16, 3),
    "down_filled": Shape(40, 16, 3),
    "down_one_beat": Shape(33, 8, 1),
    "down_bits": Shape(13, 1, 2),
    "gear100to64": Shape(100, 64, 3),
    "gear31to30": Shape(31, 30, 7),
}
