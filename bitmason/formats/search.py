"""The search of custom floating-point formats for a float network, as SIEVE has it (section 4.4.1).

Exponent histograms give each tensor's formats to try, sweeps try them on data, and three networks
are put together from them; the one that is wanted is widened until it is accurate enough. Nothing
is trained.

Invariant: what is found does not depend on the number of processes, nor on what was cached.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from bitmason.diagnostics import fail
from bitmason.formats.cache import Results, digest
from bitmason.formats.evaluation import Assignment, Plan, Score, check_answers
from bitmason.formats.histogram import Histogram
from bitmason.formats.network import FloatNetwork
from bitmason.formats.preparation import Data, prepare
from bitmason.formats.repair import Repair, Wanted, repair, shares_of
from bitmason.formats.replay import Answers, Replay, replay, threshold
from bitmason.formats.sweep import Choice, Explored, Rules, mantissas, pick, sweep, windows
from bitmason.formats.work import work_folder
from bitmason.formats.workers import Workers
from bitmason.ir.custom_float import TRUNCATE
from bitmason.ir.rounding import Rounding

Progress = Callable[[str, int, int], None]
"""Told the step, and how many of its evaluations are done of how many at most."""


def _silent(_: str, __: int, ___: int) -> None:
    pass


@dataclass(frozen=True)
class Wishes:
    """What a search shall find.

    `accuracy` is the share of the float network's right answers, and of its mean likelihood of the
    labels, that the network `choice` shall keep; `replayed` is the share of right answers that it
    shall reach with replays.
    """

    choice: Choice = Choice.ACCURATE
    accuracy: Fraction = Fraction(998, 1000)
    replayed: Fraction = Fraction(1)
    rounding: Rounding = TRUNCATE
    rules: Rules = field(default_factory=Rules)


@dataclass(frozen=True)
class Found:
    """What a search has found.

    `joint` are the three networks before any repair, with what they answer; `formats` is the one
    that was wanted, `score` what it answers and `steps` how it was repaired. `replay` is
    what a threshold from the first half of the test data does on the second; without test data,
    on halves of the data. `test` counts the test data, and what the network and the float network
    have right of it.
    """

    network: FloatNetwork
    wishes: Wishes
    frames: int
    float_score: Score
    histograms: tuple[Histogram, ...]
    explored: tuple[tuple[Explored, ...], ...]
    joint: dict[Choice, tuple[Assignment, Score]]
    formats: Assignment
    score: Score
    steps: tuple[Repair, ...]
    replay: Replay
    test: tuple[int, int, int] | None
    evaluated: int

    @property
    def normalised(self) -> Fraction:
        """Right answers, relative to the float network's."""
        return Fraction(self.score.right, self.float_score.right)

    @property
    def likelihood(self) -> float:
        """The mean likelihood of the labels, relative to the float network's."""
        return math.exp(self.score.gain - self.float_score.gain)

    @property
    def reached(self) -> bool:
        """Whether the network is as accurate as was wanted."""
        return Wanted(self.wishes.accuracy, self.float_score).met_by(self.score)


def search(
    network: FloatNetwork,
    data: Data,
    wishes: Wishes,
    *,
    test: Data | None = None,
    jobs: int = 0,
    cache: Path | None = None,
    progress: Progress = _silent,
) -> Found:
    """Search formats for all weights and activations of a network.

    Args:
        network: the float network.
        data: what histograms and accuracies are taken from.
        wishes: what shall be found.
        test: data for the final figures, which the search does not look at before.
        jobs: processes that evaluate; 0 means one for each core.
        cache: a folder that keeps scores for later searches; None keeps none.
        progress: told how far the search is.

    Raises:
        CompileError: S001 for data that do not fit, S006 where the network cannot be run, C002
            where scores cannot be kept.
    """
    progress("reading the data", 0, 0)
    if test is not None:
        test = test.checked(network)
    plan = prepare(network, data, wishes.rounding)
    if test is not None:
        test.check_classes(plan.classes, network)
    results = Results(cache, digest(plan), len(plan.labels))
    with ExitStack() as stack:
        folder = stack.enter_context(work_folder(cache))
        workers = stack.enter_context(Workers(plan, results, folder, jobs or os.cpu_count() or 1))
        return _Search(plan, wishes, workers, progress).run(test)


class _Search:
    """One search, step by step."""

    def __init__(self, plan: Plan, wishes: Wishes, workers: Workers, progress: Progress) -> None:
        self._plan, self._wishes, self._workers = plan, wishes, workers
        self._progress = progress
        self._floats: Assignment = (None,) * len(plan.network.sites)

    def run(self, test: Data | None) -> Found:
        (floats,) = self._workers.scores([self._floats])
        if not floats.right:
            fail(
                "S001",
                "the float network has no label right",
                loc=self._plan.network.loc,
                help="check the order of the labels, and that inputs are scaled as in training",
            )
        asked = test or Data(self._plan.frames, self._plan.labels)
        float_logits = self._workers.logits(asked.frames, self._floats)
        check_answers(float_logits, self._plan.network, 0, asked.name)
        self._progress("counting exponents", 0, 0)
        histograms = self._workers.histograms()
        explored = self._sweeps(histograms, floats.right)
        joint = self._joint(explored, floats.right)
        formats, steps = self._repaired(joint, histograms, floats)
        (score,) = self._workers.scores([formats])
        self._progress("finding a threshold", 0, 0)
        logits = self._workers.logits(asked.frames, formats)
        answers = Answers.of(logits, float_logits, asked.labels)
        half = len(answers.right) // 2
        tau = threshold(answers.part(slice(0, half)), self._wishes.replayed)
        return Found(
            network=self._plan.network,
            wishes=self._wishes,
            frames=len(self._plan.labels),
            float_score=floats,
            histograms=histograms,
            explored=explored,
            joint=joint,
            formats=formats,
            score=score,
            steps=tuple(steps),
            replay=replay(answers.part(slice(half, None)), tau),
            test=None if test is None else answers.rights,
            evaluated=self._workers.results.evaluated,
        )

    def _sweeps(
        self, histograms: tuple[Histogram, ...], right: int
    ) -> tuple[tuple[Explored, ...], ...]:
        rules, built = self._wishes.rules, self._workers.are_built
        pairs = [
            (site, [form for form in mantissas(window, rules) if built(site, form)])
            for site, histogram in enumerate(histograms)
            for window in windows(histogram, rules)
        ]
        most = sum(len(forms) for _, forms in pairs)
        chains = [sweep(site, forms, self._floats, right, rules) for site, forms in pairs]
        found = self._workers.answer(chains, self._counter("trying formats", most))
        explored: list[list[Explored]] = [[] for _ in histograms]
        for (site, _), tried in zip(pairs, found, strict=True):
            explored[site] += tried
        return tuple(tuple(tried) for tried in explored)

    def _joint(
        self, explored: tuple[tuple[Explored, ...], ...], right: int
    ) -> dict[Choice, tuple[Assignment, Score]]:
        networks = {
            choice: tuple(pick(tried, choice, right).form for tried in explored)
            for choice in Choice
        }
        counter = self._counter("joining tensors", len(networks))
        scores = self._workers.scores(list(networks.values()), counter)
        return {
            choice: (formats, score)
            for (choice, formats), score in zip(networks.items(), scores, strict=True)
        }

    def _repaired(
        self,
        joint: dict[Choice, tuple[Assignment, Score]],
        histograms: tuple[Histogram, ...],
        floats: Score,
    ) -> tuple[Assignment, list[Repair]]:
        formats, _ = joint[self._wishes.choice]
        wanted = Wanted(self._wishes.accuracy, floats)
        counter = self._counter("widening formats", 0)
        shares = shares_of(self._plan.network.sites)
        return repair(self._workers, formats, histograms, shares, wanted, counter)

    def _counter(self, step: str, total: int) -> Callable[[], None]:
        done = 0

        def count() -> None:
            nonlocal done
            done += 1
            self._progress(step, done, max(done, total))

        self._progress(step, 0, total)
        return count
