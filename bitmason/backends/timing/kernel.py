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

# Kinds, with (parameters) and [state]; whether a beat is offered stands with the stream.
# (depth, group, beats of a frame where the second input is knobs) [place, stages as bits, beat]:
# one enable for everything; one or two inputs
PIPE = 0
SKID = 1  # () [full]: bm_skid
REPLAY = 2  # (length, repeats) [level, index, pass]: bm_replay
WIDEN = 3  # (ratio) [place]: bm_width_converter to a multiple
NARROW = 4  # (ratio) [left]: bm_width_converter to a fraction
# (taken, given, fill from which on no beat is taken, beats in of a frame or 0, filled up behind
# them, beats out of a frame or 0, dropped behind them) [fill, beats in, beats out]:
# bm_width_converter for other ratios, bm_pack, bm_unpack
GEARBOX = 5
FIFO = 6  # (depth, in block RAM) [count, read register full, in memory, most held]: bm_fifo
PATTERN = 7  # (start, length in the table of codes) [place]
WINDOW = 8  # (held, 6 loop counts, 7 moves, 7 frees) [level, ahead, 6 loop places]: bm_window
FORK = 9  # () []: bm_fork
REORDER = 10  # (length) [level, unused, left]: bm_reorder
# (planes of a beat, beats of a word, words, passes, beats of a frame)
# [level, index, pass, planes left, beat of its word, beat of its frame]: bm_planes
PLANES = 11
KNOBS = 12  # (beats of a frame) [place]: bm_knobs; the data and one beat of knobs per frame
# (start, length in the table of codes, beats of a vector, its steps, registers, first cycle with a
# step) [whole vectors, beat, step of all groups, registers as bits]: bm_ras, bm_ras_booted, and
# bm_ras_coded, whose vectors end where codes say so; a code is 1 if a row leaves, and ENDS
RAS = 13
PARAMETERS, STATES, PEAK = 21, 8, 3

# A code of a pattern: the input that the step takes a beat from, plus 1, or 0; and EMITS.
EMITS = 128
_TAKES = 127
ENDS = 2  # of a code of RAS: the step is the last one of its vector

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
    valid = np.zeros(len(beats), np.bool_)  # what every stream offers in this cycle
    ready = np.zeros(len(beats), np.bool_)  # whether it is taken, if it does
    counts = np.zeros(len(exits), np.int64)
    ends = np.zeros((len(exits), frames), np.int64)
    total = frames * beats[entry]
    sent, first, quiet, cycle, open_ = 0, -1, 0, 0, len(exits)
    for c in range(cells):
        if kinds[c] == REORDER:
            state[c, 2] = parameters[c, 0] - 1
    for e in exits:
        ready[e] = True
    while open_ > 0 and quiet < _QUIET:
        waits_for_pace = pace > 0 and sent * pace > cycle * beats[entry]
        valid[entry] = sent < total and not waits_for_pace
        moved = False
        for k in range(len(exits)):
            e = exits[k]
            if valid[e] and counts[k] < frames * beats[e]:
                counts[k] += 1
                moved = True
                if counts[k] % beats[e] == 0:
                    ends[k, counts[k] // beats[e] - 1] = cycle
                    if counts[k] == frames * beats[e]:
                        open_ -= 1
        # Readers come before what they read: their readiness is known, and their own registers may
        # already move on, as nobody looks at them any more in this cycle.
        for c in range(cells - 1, -1, -1):
            kind = kinds[c]
            i = inputs[in_start[c]]
            o = outputs[out_start[c]]
            sink = ready[o]
            offered = valid[o]
            en = sink or not offered
            if kind == PIPE:
                push = valid[i]
                ready[i] = en
                if in_start[c + 1] - in_start[c] > 1:
                    # A join takes from both sides or from none; knobs come with a first beat.
                    j = inputs[in_start[c] + 1]
                    joins = state[c, 2] == 0
                    push = push and (valid[j] or not joins)
                    ready[j] = en and push and joins
                    ready[i] = en and push
                    if en and push and parameters[c, 2] > 0:
                        state[c, 2] = (state[c, 2] + 1) % parameters[c, 2]
                if en:
                    done = False
                    if push:
                        moved = True
                        done = state[c, 0] == parameters[c, 1] - 1
                        state[c, 0] = 0 if done else state[c, 0] + 1
                    bits = (state[c, 1] << 1) | done
                    valid[o] = (bits >> (parameters[c, 0] - 1)) & 1
                    state[c, 1] = bits & ((1 << parameters[c, 0]) - 1)
            elif kind == WINDOW:
                ready[i] = state[c, 0] < parameters[c, 0]
                push = valid[i] and ready[i]
                fire = en and state[c, 1] > 0
                if en:
                    valid[o] = fire
                state[c, 0] += push
                state[c, 1] += push
                moved = moved or push or fire
                if fire:
                    loop = 0
                    while loop < 6 and state[c, 2 + loop] == parameters[c, 1 + loop] - 1:
                        state[c, 2 + loop] = 0
                        loop += 1
                    if loop < 6:
                        state[c, 2 + loop] += 1
                    state[c, 0] -= parameters[c, 14 + loop]
                    state[c, 1] -= parameters[c, 7 + loop]
            elif kind == PATTERN:
                code = codes[parameters[c, 0] + state[c, 0]]
                takes = code & _TAKES
                fires = en
                for k in range(in_start[c], in_start[c + 1]):
                    asked = k - in_start[c] + 1 == takes
                    ready[inputs[k]] = en and asked
                    if asked:
                        fires = en and valid[inputs[k]]
                if fires:
                    moved = True
                    valid[o] = code >= EMITS
                    place = state[c, 0] + 1
                    state[c, 0] = 0 if place == parameters[c, 1] else place
                elif sink:
                    valid[o] = False
            elif kind == RAS:
                ready[i] = state[c, 0] < 2
                push = valid[i] and ready[i]
                waits_for_lists = cycle < parameters[c, 5]
                fires = en and state[c, 0] > 0 and not waits_for_lists
                moved = moved or waits_for_lists
                mark = codes[parameters[c, 0] + state[c, 2]]
                if en:
                    emits = fires and (mark & 1) > 0
                    bits = (state[c, 3] << 1) | emits
                    valid[o] = (bits >> (parameters[c, 4] - 1)) & 1
                    state[c, 3] = bits & ((1 << parameters[c, 4]) - 1)
                if push:
                    moved = True
                    whole = state[c, 1] == parameters[c, 2] - 1
                    state[c, 1] = 0 if whole else state[c, 1] + 1
                    state[c, 0] += whole
                if fires:
                    moved = True
                    step = state[c, 2] + 1
                    state[c, 2] = 0 if step == parameters[c, 1] else step
                    state[c, 0] -= step % parameters[c, 3] == 0 or (mark & ENDS) > 0
            elif kind == REPLAY:
                ready[i] = state[c, 0] < 2 * parameters[c, 0]
                push = valid[i] and ready[i]
                fetch = en and state[c, 1] < state[c, 0]
                if en:
                    valid[o] = fetch
                state[c, 0] += push
                moved = moved or push or fetch
                if fetch:
                    state[c, 1] += 1
                    if state[c, 1] == parameters[c, 0]:
                        state[c, 1] = 0
                        state[c, 2] += 1
                        if state[c, 2] == parameters[c, 1]:
                            state[c, 2] = 0
                            state[c, 0] -= parameters[c, 0]
            elif kind == FIFO:
                ready[i] = state[c, 0] < parameters[c, 0]
                push = valid[i] and ready[i]
                waiting = state[c, 0] > offered
                state[c, 0] += push - (offered and sink)
                if parameters[c, 1] != 0:  # memory, its read register, the output register
                    was = state[c, 1] != 0
                    fetch = state[c, 2] > 0 and (en or not was)
                    state[c, 1] = fetch or (was and not en)
                    state[c, 2] += push - fetch
                    if en:
                        valid[o] = was
                elif en:
                    valid[o] = waiting or push
                state[c, 3] = max(state[c, 3], state[c, 0])
                moved = moved or push
            elif kind == WIDEN:
                ready[i] = en
                if en:
                    moved = moved or valid[i]
                    state[c, 0] += valid[i]
                    full = state[c, 0] == parameters[c, 0]
                    valid[o] = full
                    if full:
                        state[c, 0] = 0
            elif kind == NARROW:
                left = state[c, 0]
                ready[i] = left == 0 or (left == 1 and sink)
                if ready[i]:
                    left = parameters[c, 0] if valid[i] else 0
                    moved = moved or valid[i]
                elif sink:
                    left -= 1
                    moved = True
                state[c, 0] = left
                valid[o] = left > 0
            elif kind == SKID:
                ready[i] = state[c, 0] == 0
                push = valid[i] and ready[i]
                moved = moved or push
                if en:
                    valid[o] = push or state[c, 0] != 0
                    state[c, 0] = 0
                elif push:
                    state[c, 0] = 1
            elif kind == FORK:
                left = False
                for k in range(out_start[c], out_start[c + 1]):
                    valid[outputs[k]] = valid[outputs[k]] and not ready[outputs[k]]
                    left = left or valid[outputs[k]]
                ready[i] = not left
                if valid[i] and not left:
                    moved = True
                    for k in range(out_start[c], out_start[c + 1]):
                        valid[outputs[k]] = True
            elif kind == PLANES:
                level, left = state[c, 0], state[c, 3]
                space = level < 2 * parameters[c, 2]
                opens = left == 0 or (left == 1 and space)
                if in_start[c + 1] - in_start[c] > 1 and state[c, 5] == 0:
                    j = inputs[in_start[c] + 1]
                    ready[j] = opens and valid[i]
                    opens = opens and valid[j]
                elif in_start[c + 1] - in_start[c] > 1:
                    ready[inputs[in_start[c] + 1]] = False
                ready[i] = opens
                push = valid[i] and opens
                fetch = en and state[c, 1] < level
                writes = left > 0 and space
                if en:
                    valid[o] = fetch
                moved = moved or push or fetch or writes
                if writes:
                    left -= 1
                    if left == 0:
                        state[c, 4] += 1
                        if state[c, 4] == parameters[c, 1]:
                            state[c, 4] = 0
                            level += 1
                if push:
                    left = parameters[c, 0]
                    state[c, 5] += 1
                    if state[c, 5] == parameters[c, 4]:
                        state[c, 5] = 0
                if fetch:
                    state[c, 1] += 1
                    if state[c, 1] == parameters[c, 2]:
                        state[c, 1] = 0
                        state[c, 2] += 1
                        if state[c, 2] == parameters[c, 3]:
                            state[c, 2] = 0
                            level -= parameters[c, 2]
                state[c, 0], state[c, 3] = level, left
            elif kind == KNOBS:
                pending = False
                for k in range(out_start[c], out_start[c + 1]):
                    valid[outputs[k]] = valid[outputs[k]] and not ready[outputs[k]]
                    pending = pending or (valid[outputs[k]] and k > out_start[c])
                starts = state[c, 0] == 0
                ready[i] = not valid[o] and not (starts and pending)
                if valid[i] and ready[i]:
                    moved = True
                    valid[o] = True
                    if starts:
                        for k in range(out_start[c] + 1, out_start[c + 1]):
                            valid[outputs[k]] = True
                    state[c, 0] += 1
                    if state[c, 0] == parameters[c, 0]:
                        state[c, 0] = 0
            elif kind == GEARBOX:
                fill = state[c, 0]
                if offered and sink:
                    fill -= parameters[c, 1]
                    state[c, 2] += 1
                    if state[c, 2] == parameters[c, 5]:
                        state[c, 2] = 0
                        fill -= parameters[c, 6]
                ready[i] = fill < parameters[c, 2]
                if valid[i] and ready[i]:
                    moved = True
                    fill += parameters[c, 0]
                    state[c, 1] += 1
                    if state[c, 1] == parameters[c, 3]:
                        state[c, 1] = 0
                        fill += parameters[c, 4]
                state[c, 0] = fill
                valid[o] = fill >= parameters[c, 1]
            else:
                length = parameters[c, 0]
                ready[i] = state[c, 0] < 2 * length
                push = valid[i] and ready[i]
                fetch = en and state[c, 0] >= length
                if en:
                    valid[o] = fetch
                moved = moved or push or fetch
                state[c, 0] += push
                if fetch:
                    if state[c, 2] == 0:
                        state[c, 0] -= length
                        state[c, 2] = length
                    state[c, 2] -= 1
        if valid[entry] and ready[entry]:
            if sent == 0:
                first = cycle
            sent += 1
        quiet = 0 if moved or waits_for_pace else quiet + 1
        cycle += 1
    return ends, first, state, open_ == 0
