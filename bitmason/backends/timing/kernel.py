"""The machine that steps all cells of a design, cycle after cycle.

Invariant: plain integers in arrays, nothing else, so that Numba compiles the loop; the meaning of
every parameter and state word is stated once, beside its kind.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Codes = npt.NDArray[np.uint8]

# Kinds, with (parameters) and [state]; state word 0 says for most whether a beat is offered.
PIPE = 0  # (depth, group, inputs) [offered, place, stages as bits]: one enable for everything
SKID = 1  # () [offered, full]: bm_skid
REPLAY = 2  # (length, repeats) [offered, level, index, pass]: bm_replay
WIDEN = 3  # (ratio) [offered, place]: bm_width_converter to a multiple
NARROW = 4  # (ratio) [offered, left]: bm_width_converter to a fraction
GEARBOX = 5  # (taken, given) [offered, fill]: bm_width_converter, the rest
FIFO = 6  # (depth, in block RAM) [offered, count, read register full, in memory, most held]
PATTERN = 7  # (start, length in the table of codes) [offered, place]
WINDOW = 8  # (held, 6 loop counts, 7 moves, 7 frees) [offered, level, ahead, 6 loop places]
FORK = 9  # () [outputs that wait, as bits]: bm_fork
REORDER = 10  # (length) [offered, level, left]: bm_reorder
PARAMETERS, STATES = 21, 9

# A code of a pattern: the input that the step takes a beat from, plus 1, or 0; and EMITS.
EMITS = 128
_TAKES = 127

_QUIET = 1024  # cycles without any beat after which nothing will ever move again


def _compiled(function: Any) -> Any:
    return numba.njit(cache=True, nogil=True)(function)


@_compiled
def run(  # noqa: PLR0912, PLR0913, PLR0915, PLR0917  one loop, which Numba compiles as a whole
    kinds: Ints,
    parameters: Ints,
    codes: Codes,
    in_start: Ints,
    inputs: Ints,
    out_start: Ints,
    outputs: Ints,
    beats: Ints,
    entry: int,
    exits: Ints,
    frames: int,
    pace: int,
) -> tuple[Ints, int, Ints, bool]:
    """Run a design from reset until every output has given `frames` frames.

    Args:
        kinds: kind of each cell, in topological order.
        parameters: `(cells, PARAMETERS)`.
        codes: the patterns of all cells.
        in_start: where the streams of each cell's inputs begin in `inputs`; one more at the end.
        inputs: streams read, cell after cell.
        out_start: as `in_start`, for `outputs`.
        outputs: streams made, cell after cell.
        beats: beats of a frame on each stream.
        entry: the stream into the design.
        exits: the streams out of it.
        frames: how many frames are sent.
        pace: cycles per frame in which the source offers beats evenly; 0: as fast as it can.

    Returns:
        The cycle in which each frame ended, `(exits, frames)`; the cycle of the first beat taken;
        the state of the cells; and whether all frames came (False: a deadlock).
    """
    cells = len(kinds)
    state = np.zeros((cells, STATES), np.int64)
    streams = len(beats)
    valid = np.zeros(streams, np.bool_)
    ready = np.zeros(streams, np.bool_)
    counts = np.zeros(len(exits), np.int64)
    ends = np.zeros((len(exits), frames), np.int64)
    total = frames * beats[entry]
    sent, first, quiet, cycle, open_ = 0, -1, 0, 0, len(exits)
    for c in range(cells):
        if kinds[c] == REORDER:
            state[c, 2] = parameters[c, 0] - 1
    while open_ > 0 and quiet < _QUIET:
        # What every cell offers stands in its registers.
        for c in range(cells):
            if kinds[c] == FORK:
                for i in range(out_start[c], out_start[c + 1]):
                    valid[outputs[i]] = (state[c, 0] >> (i - out_start[c])) & 1
            else:
                valid[outputs[out_start[c]]] = state[c, 0] != 0
        waits_for_pace = pace > 0 and sent * pace > cycle * beats[entry]
        valid[entry] = sent < total and not waits_for_pace
        for e in exits:
            ready[e] = True
        # What every cell takes depends on what is taken from it.
        for c in range(cells - 1, -1, -1):
            kind = kinds[c]
            p, s = parameters[c], state[c]
            i0, i1 = in_start[c], in_start[c + 1]
            sink = ready[outputs[out_start[c]]]
            en = sink or s[0] == 0
            if kind == PIPE:
                all_there = True
                for i in range(i0, i1):
                    all_there = all_there and valid[inputs[i]]
                for i in range(i0, i1):
                    ready[inputs[i]] = en and (all_there or i1 - i0 == 1)
            elif kind == SKID:
                ready[inputs[i0]] = s[1] == 0
            elif kind == REPLAY:
                ready[inputs[i0]] = s[1] < 2 * p[0]
            elif kind == WIDEN:
                ready[inputs[i0]] = en
            elif kind == NARROW:
                ready[inputs[i0]] = s[1] == 0 or (s[1] == 1 and sink)
            elif kind == GEARBOX:
                left = s[1] - (p[1] if s[0] != 0 and sink else 0)
                ready[inputs[i0]] = left < p[1]
            elif kind == FIFO:
                ready[inputs[i0]] = s[1] < p[0]
            elif kind == PATTERN:
                takes = codes[p[0] + s[1]] & _TAKES
                for i in range(i0, i1):
                    ready[inputs[i]] = en and i - i0 + 1 == takes
            elif kind == WINDOW:
                ready[inputs[i0]] = s[1] < p[0]
            elif kind == FORK:
                left = s[0]
                for i in range(out_start[c], out_start[c + 1]):
                    if ready[outputs[i]]:
                        left &= ~(1 << (i - out_start[c]))
                ready[inputs[i0]] = left == 0
            else:
                ready[inputs[i0]] = s[1] < 2 * p[0]
        # The clock edge.
        moved = False
        for c in range(cells):
            kind = kinds[c]
            p, s = parameters[c], state[c]
            i0 = in_start[c]
            push = valid[inputs[i0]] and ready[inputs[i0]]
            moved = moved or push
            sink = ready[outputs[out_start[c]]]
            en = sink or s[0] == 0
            if kind == PIPE:
                if en:
                    done = push and s[1] == p[1] - 1
                    if push:
                        s[1] = 0 if done else s[1] + 1
                    s[2] = (s[2] << 1) | done
                    s[0] = (s[2] >> (p[0] - 1)) & 1
                    s[2] &= (1 << p[0]) - 1
            elif kind == SKID:
                if en:
                    s[0] = push or s[1] != 0
                    s[1] = 0
                elif push:
                    s[1] = 1
            elif kind == REPLAY:
                fetch = s[2] < s[1] and en
                if en:
                    s[0] = fetch
                s[1] += push
                if fetch:
                    s[2] += 1
                    if s[2] == p[0]:
                        s[2] = 0
                        s[3] += 1
                        if s[3] == p[1]:
                            s[3] = 0
                            s[1] -= p[0]
            elif kind == WIDEN:
                if en:
                    s[1] += push
                    s[0] = s[1] == p[0]
                    if s[0] != 0:
                        s[1] = 0
            elif kind == NARROW:
                if s[1] == 0 or (s[1] == 1 and sink):
                    s[1] = p[0] if push else 0
                elif sink:
                    s[1] -= 1
                s[0] = s[1] > 0
            elif kind == GEARBOX:
                s[1] -= p[1] if s[0] != 0 and sink else 0
                s[1] += p[0] if push else 0
                s[0] = s[1] >= p[1]
            elif kind == FIFO:
                if p[1] != 0:
                    fetch = s[3] > 0 and (en or s[2] == 0)
                    was = s[2]
                    s[2] = fetch or (s[2] != 0 and not en)
                    s[3] += push - fetch
                    s[1] += push - (s[0] != 0 and sink)
                    if en:
                        s[0] = was
                else:
                    waiting = s[1] > s[0]
                    s[1] += push - (s[0] != 0 and sink)
                    if en:
                        s[0] = waiting or push
                s[4] = max(s[4], s[1])
            elif kind == PATTERN:
                code = codes[p[0] + s[1]]
                takes = code & _TAKES
                if takes > 0:
                    e = inputs[i0 + takes - 1]
                    push = valid[e] and ready[e]
                fires = push if takes > 0 else en
                moved = moved or fires
                if fires:
                    s[0] = code >= EMITS
                    s[1] = 0 if s[1] == p[1] - 1 else s[1] + 1
                elif sink:
                    s[0] = 0
            elif kind == WINDOW:
                fire = en and s[2] > 0
                moved = moved or fire
                if en:
                    s[0] = fire
                s[1] += push
                s[2] += push
                if fire:
                    loop = 0
                    while loop < 6 and s[3 + loop] == p[1 + loop] - 1:
                        s[3 + loop] = 0
                        loop += 1
                    if loop < 6:
                        s[3 + loop] += 1
                    s[1] -= p[14 + loop]
                    s[2] -= p[7 + loop]
            elif kind == FORK:
                left = s[0]
                for i in range(out_start[c], out_start[c + 1]):
                    if ready[outputs[i]]:
                        left &= ~(1 << (i - out_start[c]))
                s[0] = (1 << (out_start[c + 1] - out_start[c])) - 1 if push else left
            else:
                fetch = s[1] >= p[0] and en
                block_ends = fetch and s[2] == 0
                if en:
                    s[0] = fetch
                if fetch:
                    s[2] = p[0] - 1 if block_ends else s[2] - 1
                s[1] += push
                if block_ends:
                    s[1] -= p[0]
        for k in range(len(exits)):
            e = exits[k]
            if valid[e] and counts[k] < frames * beats[e]:
                counts[k] += 1
                moved = True
                if counts[k] % beats[e] == 0:
                    ends[k, counts[k] // beats[e] - 1] = cycle
                    if counts[k] == frames * beats[e]:
                        open_ -= 1
        if valid[entry] and ready[entry]:
            if sent == 0:
                first = cycle
            sent += 1
        quiet = 0 if moved or waits_for_pace else quiet + 1
        cycle += 1
    return ends, first, state, open_ == 0
