"""The search: what it explores, where it stops, that it repeats itself and goes on where it was."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from bitmason.diagnostics import CompileError
from bitmason.formats import Choice, Data, Found, Wishes, search
from bitmason.formats.cache import Results
from bitmason.formats.compress import compressed
from bitmason.formats.evaluation import (
    Assignment,
    Evaluator,
    Recording,
    Score,
    cross_entropy,
    is_right,
)
from bitmason.formats.network import Kind
from bitmason.formats.repair import MAX_M_BITS, Wanted, most_per_bit, repair, shares_of, wider
from bitmason.formats.sweep import Explored, Rules, changed, mantissas, pick, sweep
from bitmason.formats.workers import Workers
from bitmason.frontend.float_format import MOST_E_BITS
from bitmason.ir.custom_float import NEAREST, TRUNCATE, CustomFloat
from tests.formats.networks import FRAMES, labelled, network, plan_of
from tests.formats.networks import frames as random_frames

WISHES = Wishes(Choice.APPROXIMATE, accuracy=Fraction(99, 100))


@pytest.fixture(scope="module")
def found() -> Found:
    return search(network(), labelled(), WISHES, test=labelled(60, seed=1), jobs=1)


def scored(right: int) -> Score:
    return Score(right, 0.0)


def test_sites_are_the_operands_of_products(found: Found) -> None:
    sites = [(site.kind, site.layer, site.values) for site in found.network.sites]
    weights, activations = Kind.WEIGHTS, Kind.ACTIVATIONS
    assert sites == [
        (activations, "conv1", 64),
        (weights, "conv1", 54),
        (activations, "left", 54),  # and of "right": one tensor, one format
        (weights, "left", 36),
        (weights, "right", 324),
        (activations, "fc1", 54),
        (weights, "fc1", 540),
        (activations, "fc2", 10),
        (weights, "fc2", 40),
    ]


def test_the_network_keeps_what_was_asked(found: Found) -> None:
    assert found.reached
    assert found.score.right >= WISHES.accuracy * found.float_score.right
    assert found.float_score.right == FRAMES - FRAMES // 10


def test_each_sweep_stops_below_its_accuracy(found: Found) -> None:
    least = WISHES.rules.accuracy * found.float_score.right
    for explored in found.explored:
        widths = [(one.form.e_bits, one.form.m_bits) for one in explored]
        for e_bits in {e for e, _ in widths}:
            row = [one for one in explored if one.form.e_bits == e_bits]
            assert [one.form.m_bits for one in row] == list(range(6, 6 - len(row), -1))
            assert all(one.score.right >= least for one in row[:-1])
            assert row[-1].score.right < least or row[-1].form.m_bits == 0


def test_a_sweep_asks_for_one_tensor_at_a_time() -> None:
    form, base = CustomFloat(3, 0, 7), (None, None, None)
    chain = sweep(1, mantissas(form, Rules()), base, 1000, Rules())
    assert next(chain) == (None, CustomFloat(3, 6, 7), None)
    assert chain.send(scored(998)) == (None, CustomFloat(3, 5, 7), None)
    with pytest.raises(StopIteration) as end:
        chain.send(scored(997))
    assert [one.score.right for one in end.value.value] == [998, 997]


def test_choices_of_a_tensor() -> None:
    def one(e_bits: int, m_bits: int, right: int) -> Explored:
        return Explored(CustomFloat(e_bits, m_bits, 5), scored(right))

    tried = [one(4, 6, 1002), one(4, 2, 1002), one(4, 1, 1000), one(3, 2, 1001), one(3, 1, 999)]
    assert pick(tried, Choice.EXACT, 1000) == tried[1]
    assert pick(tried, Choice.ACCURATE, 1000) == tried[3]
    assert pick(tried, Choice.APPROXIMATE, 1000) == tried[4]
    assert pick(tried[4:], Choice.ACCURATE, 1000) == tried[4]  # none is good enough


def test_right_answers_and_likelihood_must_be_kept() -> None:
    wanted = Wanted(Fraction(99, 100), Score(100, -0.5))
    assert wanted.met_by(Score(99, -0.51))
    assert not wanted.met_by(Score(98, -0.4))
    assert not wanted.met_by(Score(100, -0.5101))
    assert Wanted(Fraction(0), Score(100, -0.5)).met_by(Score(0, -9.0))


def test_of_what_gains_enough_the_most_per_stored_bit() -> None:
    forms = [CustomFloat(3, m, 4) for m in range(6)]
    tried = [(0, forms[0]), (0, forms[1]), (1, forms[2]), (2, forms[3]), (3, forms[4])]
    shares = [Fraction(1, 2), Fraction(1, 4), Fraction(1, 8), Fraction(1, 8)]
    gains = [4.0, 3.0, 1.5, 0.9, 1.0]
    best = most_per_bit(tried, gains, shares, 4)
    # Per bit 8, 6, 8 for site 3; site 2 gains less than a quarter of site 0.
    assert best == [(0, forms[0]), (3, forms[4]), (1, forms[2])]
    assert most_per_bit(tried, gains, shares, 1) == [(0, forms[0])]
    assert most_per_bit(tried, [-1.0, -3.0, -0.5, -2.0, -2.0], shares, 4) == [(1, forms[2])]
    assert most_per_bit([], [], shares, 4) == []


def test_repairs_are_steps_of_one_bit(found: Found, tmp_path: Path) -> None:
    plan, wanted = plan_of(labelled()), Wanted(Fraction(1), found.float_score)
    narrow = tuple(histogram.window(2) for histogram in found.histograms)
    shares = shares_of(plan.network.sites)
    with Workers(plan, Results(None, ""), tmp_path, 1) as workers:
        assert not wanted.met_by(workers.scores([narrow])[0])
        formats, steps = repair(workers, narrow, found.histograms, shares, wanted)
        assert steps
        now: Assignment = narrow
        for step in steps:
            assert not wanted.met_by(workers.scores([now])[0])
            assert now[step.site] == step.before
            assert step.after in set(wider(step.before, found.histograms[step.site]))
            now = changed(now, step.site, step.after)
            assert workers.scores([now]) == [step.score]
        assert now == formats
        assert wanted.met_by(steps[-1].score)


def test_repairs_end_at_the_widest_formats(found: Found, tmp_path: Path) -> None:
    plan = plan_of(labelled())
    widest = tuple(
        CustomFloat(MOST_E_BITS, MAX_M_BITS, histogram.window(MOST_E_BITS).bias)
        for histogram in found.histograms
    )
    with Workers(plan, Results(None, ""), tmp_path, 1) as workers:
        out_of_reach = Wanted(Fraction(1), Score(FRAMES + 1, 0.0))
        shares = shares_of(plan.network.sites)
        assert repair(workers, widest, found.histograms, shares, out_of_reach) == (widest, [])


def test_two_processes_find_the_same(found: Found, tmp_path: Path) -> None:
    both = search(
        *(network(), labelled(), WISHES),
        test=labelled(60, seed=1),
        jobs=2,
        cache=tmp_path,
    )
    assert both.explored == found.explored
    assert both.joint == found.joint
    assert (both.formats, both.score, both.steps) == (found.formats, found.score, found.steps)
    assert (both.replay, both.test) == (found.replay, found.test)
    assert both.histograms == found.histograms


def test_goes_on_where_it_was_stopped(found: Found, tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    def stop(step: str, done: int, _: int) -> None:
        if step == "trying formats" and done == 20:
            raise Stopped

    with pytest.raises(Stopped):
        search(network(), labelled(), WISHES, jobs=1, cache=tmp_path, progress=stop)
    (file,) = tmp_path.iterdir()
    assert len(file.read_text().splitlines()) == 21  # and the float network
    with file.open("a") as torn:
        torn.write('{"formats": "4.6.9 - - - - - - - -", "ri')
    again = search(network(), labelled(), WISHES, jobs=1, cache=tmp_path)
    assert again.evaluated == found.evaluated - 21
    assert again.explored == found.explored
    done = search(network(), labelled(), WISHES, jobs=1, cache=tmp_path)
    assert done.evaluated == 0
    assert (done.formats, done.score) == (found.formats, found.score)


def test_kept_scores_are_of_these_data_alone(tmp_path: Path) -> None:
    first = search(network(), labelled(), WISHES, jobs=1, cache=tmp_path)
    other = labelled(wrong=9)
    second = search(network(), other, WISHES, jobs=1, cache=tmp_path)
    assert second.evaluated > 0
    assert first.float_score != second.float_score
    nearest = search(network(), other, replace(WISHES, rounding=NEAREST), jobs=1, cache=tmp_path)
    assert nearest.evaluated > 0
    assert len(list(tmp_path.iterdir())) == 3


def test_answers_do_not_depend_on_where_they_start(tmp_path: Path) -> None:
    plan = plan_of(labelled())
    evaluator = Evaluator(plan)
    base: tuple[CustomFloat | None, ...] = (None,) * len(plan.network.sites)
    floats = evaluator.record(base, tmp_path / "floats")
    rng = np.random.default_rng(5)
    recording: Recording = floats
    for step in range(6):
        assignment = tuple(
            CustomFloat(4, int(rng.integers(0, 4)), 9) if rng.random() < 0.5 else None for _ in base
        )
        direct = evaluator.score(assignment, floats)
        recording = evaluator.record(assignment, tmp_path / str(step), recording)
        assert evaluator.score(assignment, recording) == direct
        logits = evaluator.logits(plan.frames, assignment)
        assert int((logits.argmax(axis=1) == plan.labels).sum()) == direct.right


def test_formats_apply_to_weights_and_to_what_products_read() -> None:
    plan = plan_of(labelled())
    form = CustomFloat(3, 1, 4)
    formats = tuple(form if site < 2 else None for site in range(len(plan.network.sites)))
    found = Evaluator(plan).logits(plan.frames, formats)
    x = compressed(plan.frames, form, TRUNCATE)
    only_weights = (None, *formats[1:])
    np.testing.assert_array_equal(found, Evaluator(plan).logits(x, only_weights))
    assert not np.array_equal(found, Evaluator(plan).logits(plan.frames, only_weights))


def with_value(value: float) -> Data:
    x = random_frames(4).astype(np.float64)
    x[2, 0, 3, 1] = value
    return Data(x, np.zeros(4, int))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (Data(np.zeros((4, 64), np.float32), np.zeros(4, int)), "float32 of shape [4, 64]"),
        (Data(np.zeros((4, 1, 8, 8), np.uint8), np.zeros(4, int)), "uint8"),
        (Data(random_frames(4), np.zeros(3, int)), "int64 of shape [3]"),
        (Data(random_frames(4), np.zeros(4)), "float64 of shape [4]"),
        (Data(random_frames(4), np.array([0, 1, 2, 4])), "from 0 to 4, the network has 4 classes"),
        (Data(random_frames(4), np.array([0, 1, 2, -1])), "from -1 to 2"),
        (Data(random_frames(4), np.array([0, 1, 2, 2**63], np.uint64)), "to 9223372036854775808"),
        (Data(random_frames(1), np.zeros(1, int)), "there is 1 frame of data, at least 2"),
        (Data(random_frames(0), np.zeros(0, int)), "there are no frames of data, at least 2"),
        (with_value(np.nan), "frame 2 of the data, counted from 0, holds NaN or infinity"),
        (with_value(-np.inf), "frame 2 of the data, counted from 0, holds NaN or infinity"),
        (with_value(1e39), "frame 2 of the data, counted from 0, holds a number that float32"),
    ],
)
def test_refuses_data_that_do_not_fit(data: Data, said: str) -> None:
    test = replace(data, name="test data")
    for given, asked, name in ((data, None, "data"), (labelled(), test, "test data")):
        with pytest.raises(CompileError) as error:
            search(network(), given, WISHES, test=asked, jobs=1)
        (diagnostic,) = error.value.diagnostics
        assert diagnostic.code == "S001"
        assert said.replace("of data", f"of {name}").replace("the data", f"the {name}") in str(
            diagnostic.message
        )
        assert diagnostic.help


@pytest.mark.parametrize(
    "line",
    [
        '{"formats": "%s", "right": Infinity, "gain": -0.1}',
        '{"formats": "%s", "right": -1, "gain": -0.1}',
        '{"formats": "%s", "right": 121, "gain": -0.1}',
        '{"formats": "%s", "right": 7.5, "gain": -0.1}',
        '{"formats": "%s", "right": true, "gain": -0.1}',
        '{"formats": "%s", "right": 7, "gain": NaN}',
        '{"formats": "%s", "right": 7, "gain": -Infinity}',
        '{"formats": "%s", "right": 7, "gain": 1' + "0" * 400 + "}",
        '{"formats": ["%s"], "right": 7, "gain": -0.1}',
        "[" * 200_000,
    ],
)
def test_damaged_lines_do_not_count(line: str, tmp_path: Path) -> None:
    file, whole = tmp_path / "abc.jsonl", '{"formats": "-", "right": 120, "gain": -0.5}\n'
    file.write_text((line.replace("%s", "3.2.1")) + "\n" + whole)
    results = Results(tmp_path, "abc", FRAMES)
    assert results.get((CustomFloat(3, 2, 1),)) is None
    assert results.get((None,)) == Score(120, -0.5)
    assert file.read_text() == whole


def test_a_folder_that_cannot_keep_results_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CompileError) as error:
        Results(tmp_path / "file", "abc", FRAMES)
    (diagnostic,) = error.value.diagnostics
    assert diagnostic.code == "C002"
    assert str(diagnostic.help).endswith("by default it is beside the output")


def test_answers_that_are_no_numbers_are_wrong_and_the_worst() -> None:
    logits = np.array([[np.nan, 0], [0, np.inf], [0, -np.inf], [1, 0]])
    labels = np.array([0, 1, 1, 0])
    assert is_right(logits, labels).tolist() == [False, True, False, True]
    losses = cross_entropy(logits, labels)
    assert np.isfinite(losses).all()
    assert losses[3] < losses[0] == losses[1] == losses[2]


def test_refuses_labels_that_are_never_right() -> None:
    right = labelled(wrong=FRAMES + 1)
    wrong = Data(right.frames, (right.labels + 2) % 4)
    wrong.labels[0] = (right.labels[0] + 1) % 4
    with pytest.raises(CompileError, match="no label right"):
        search(network(), wrong, WISHES, jobs=1)
