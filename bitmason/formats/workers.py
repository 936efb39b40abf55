"""Evaluates assignments of formats, in this process or in several.

Invariant: a chain of questions sees the answers to its own questions only, so what it finds does
not depend on how many processes answer.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import resource_tracker
from pathlib import Path
from types import TracebackType
from typing import Generic, TypeVar

from bitmason.diagnostics import CompileError, Diagnostic, fail
from bitmason.formats.cache import Results
from bitmason.formats.evaluation import Assignment, Evaluator, Plan, Recording, Score, discard
from bitmason.formats.histogram import Histogram
from bitmason.formats.limits import is_built
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.types import Array

T = TypeVar("T")
Chain = Generator[Assignment, Score, T]
"""Asks for the scores of assignments, one after the other, and returns what it makes of them."""
Progress = Callable[[], None]

Answer = Score | tuple[Diagnostic, ...]

_mine: list[Evaluator] = []  # of a process of the pool


class _Run(Generic[T]):
    """A chain under way: what it asks, or what it has returned."""

    def __init__(self, chain: Chain[T]) -> None:
        self._chain = chain
        self.asked: Assignment | None = None
        self._returned: list[T] = []
        self._step(lambda: next(chain))

    def tell(self, score: Score) -> None:
        self._step(lambda: self._chain.send(score))

    def _step(self, step: Callable[[], Assignment]) -> None:
        try:
            self.asked = step()
        except StopIteration as end:
            self.asked = None
            self._returned.append(end.value)

    @property
    def result(self) -> T:
        return self._returned[0]


class Workers:
    """Answers chains of questions about one network."""

    def __init__(self, plan: Plan, results: Results, folder: Path, jobs: int) -> None:
        """Take the plan, the results so far, a folder for recordings and the number of processes.

        The float network is recorded when the first answer is not known.
        """
        self.results = results
        self._plan, self._folder, self._jobs = plan, folder, jobs
        self._local = Evaluator(plan)
        self._pool: ProcessPoolExecutor | None = None
        self._base: Assignment = (None,) * len(plan.network.sites)
        self._recording: Recording | None = None
        self._recordings = 0

    def __enter__(self) -> Workers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            # What a process has begun takes a second or two: nobody is killed.
            self._pool.shutdown(cancel_futures=True)

    def base_on(self, assignment: Assignment) -> None:
        """Expect questions that differ little from `assignment`."""
        self._base = assignment

    def are_built(self, site: int, form: CustomFloat) -> bool:
        """Return whether hardware is built for a tensor in this format."""
        return is_built(self._plan.network, site, form, self._plan.rounding)

    def logits(self, frames: Array, assignment: Assignment) -> Array:
        """Return what the network answers to any frames."""
        return self._local.logits(frames, assignment)

    def recording(self) -> Recording:
        """Return a recording of the expected assignment, made unless it is there."""
        old = self._recording
        if old is None or old.assignment != self._base:
            self._recordings += 1
            folder = self._folder / str(self._recordings)
            self._recording = self._local.record(self._base, folder, old)
            if old is not None:
                discard(old, self._recording)
        assert self._recording is not None
        return self._recording

    def histograms(self) -> tuple[Histogram, ...]:
        """Return the exponents of every tensor, as the expected assignment makes it."""
        recording = self.recording()
        sites = range(len(self._plan.network.sites))
        return tuple(self._local.histogram(site, recording) for site in sites)

    def scores(
        self, assignments: Sequence[Assignment], progress: Progress | None = None
    ) -> list[Score]:
        """Return the scores of assignments."""
        return self.answer([_single(assignment) for assignment in assignments], progress)

    def answer(self, chains: Sequence[Chain[T]], progress: Progress | None = None) -> list[T]:
        """Answer all chains and return what they return; `progress` hears of each answer.

        Raises:
            CompileError: S006 where the network cannot be run, C002 where scores cannot be kept.
        """
        heard = progress or (lambda: None)
        runs = [_Run(chain) for chain in chains]
        waiting: dict[Future[Answer], _Run[T]] = {}
        for run in runs:
            self._ask(run, waiting, heard)
        while waiting:
            done, _ = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                run = waiting.pop(future)
                self._tell(run, _result(future), heard)
                self._ask(run, waiting, heard)
        return [run.result for run in runs]

    def _ask(
        self, run: _Run[T], waiting: dict[Future[Answer], _Run[T]], progress: Progress
    ) -> None:
        """Go on with a chain until another process works for it, or to its end."""
        while run.asked is not None:
            known = self.results.get(run.asked)
            if known is not None:
                run.tell(known)
                progress()
            elif self._jobs == 1:
                self._tell(run, self._local.score(run.asked, self.recording()), progress)
            else:
                waiting[self._submit(run.asked)] = run
                return

    def _tell(self, run: _Run[T], score: Score, progress: Progress) -> None:
        assert run.asked is not None
        self.results.put(run.asked, score)
        run.tell(score)
        progress()

    def _submit(self, asked: Assignment) -> Future[Answer]:
        recording, pool = self.recording(), self._processes()
        with _spawning():  # the pool starts a process when none is idle
            return pool.submit(_score, asked, recording)

    def _processes(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Only this process reads inputs; the others start from recordings.
            plan = replace(self._plan, frames=self._plan.frames[:0])
            self._pool = ProcessPoolExecutor(
                self._jobs, multiprocessing.get_context("spawn"), _begin, (plan,)
            )
        return self._pool


def _single(assignment: Assignment) -> Chain[Score]:
    return (yield assignment)


def _result(future: Future[Answer]) -> Score:
    try:
        answer = future.result()
    except BrokenProcessPool:
        message = "a process of the search was stopped by the system, perhaps for want of memory"
        fail("S006", message, help="run again, with a smaller --jobs: results so far are kept")
    if isinstance(answer, Score):
        return answer
    raise CompileError(answer)


@contextmanager
def _spawning() -> Iterator[None]:
    """Let processes that are started meanwhile be deaf to Ctrl-C from their first moment on.

    They inherit the signals that a thread blocks. Unlike an ignored one, a blocked Ctrl-C is not
    lost for this process: it comes right after. Any thread may do so.
    """
    # It would unblock the signal when it starts by itself.
    resource_tracker.ensure_running()
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def _begin(plan: Plan) -> None:
    """Begin the work of a process of the pool."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that was started ends them all
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _mine.append(Evaluator(plan))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _score(assignment: Assignment, recording: Recording) -> Answer:
    try:
        return _mine[0].score(assignment, recording)
    except CompileError as error:
        return error.diagnostics
