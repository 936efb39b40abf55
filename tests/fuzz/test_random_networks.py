"""Random networks through the whole compiler, in the golden model, RTL and HLS C++."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import bitmason
from bitmason.config import Config
from bitmason.frontend.agreement import compare
from bitmason.frontend.samples import sample_inputs
from bitmason.pipeline import compile_model
from bitmason.verification import verify_project
from hw_tests.bench.networks import Images, Network, make_model
from tests.fuzz import claims
from tests.fuzz.strategies import image_networks, networks

_SLOW_IS_FINE = (HealthCheck.too_slow, HealthCheck.data_too_large)
# The long runs of `make test-all` shrink; here a failure should be told at once.
_WITHOUT_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)
_CYCLES = st.sampled_from((0, 1, 3, 7, 40, 300))  # 0: no target
_FOLDINGS = st.none() | st.integers(0, 999)
_CHOICES = st.builds(claims.Choice, _CYCLES, _FOLDINGS, st.booleans())
# Cycles between frames, or none and a precision that changes.
_DENSE = st.sampled_from((0, 1, 7, 40, 300))


def quick(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        suppress_health_check=_SLOW_IS_FINE,
        phases=_WITHOUT_SHRINKING,
    )


def at_length(examples: int) -> settings:
    return settings(max_examples=examples, deadline=None, suppress_health_check=_SLOW_IS_FINE)


def executor_equals_golden(network: Network) -> None:
    compiled = compile_model(make_model(network), Config(), name="fuzz.onnx", check=True)
    found = compare(compiled.imported, sample_inputs(compiled.imported, 64, network.seed))
    assert found.agrees, found.mismatches


def all_engines_agree(network: Network, max_cycles: int, folding: int | None) -> None:
    options = {"max_cycles": max_cycles} if max_cycles else {"run_time_precision": True}
    model = make_model(network)
    with TemporaryDirectory() as scratch:
        compiled = bitmason.compile(model, **options)
        if folding is not None:
            plain = compiled.config.model_copy(update={"max_cycles": None})
            compiled = claims.refolded(model, compiled.design.graph, plain, folding)
        for claim in verify_project(compiled.write(Path(scratch) / "p", "all"), samples=48):
            assert claim.holds, (claim, network, compiled.config.layers)


@quick(60)
@given(networks())
def test_executor_equals_golden(network: Network) -> None:
    executor_equals_golden(network)


@quick(5)
@given(networks(), _DENSE, _FOLDINGS)
def test_all_engines_agree(network: Network, max_cycles: int, folding: int | None) -> None:
    all_engines_agree(network, max_cycles, folding)


@quick(40)
@given(image_networks(), _CHOICES)
def test_executor_equals_golden_on_images(network: Images, choice: claims.Choice) -> None:
    with claims.refusals_skipped():
        claims.executor_equals_golden(network, choice)


@quick(4)
@given(image_networks(), _CHOICES)
def test_all_engines_agree_on_images(network: Images, choice: claims.Choice) -> None:
    with claims.refusals_skipped():
        claims.all_engines_agree(network, choice)


@pytest.mark.slow
@at_length(600)
@given(networks())
def test_executor_equals_golden_at_length(network: Network) -> None:
    executor_equals_golden(network)


@pytest.mark.slow
@at_length(80)
@given(networks(), st.sampled_from((0, 1, 3, 7, 40, 150, 1000)), _FOLDINGS)
def test_all_engines_agree_at_length(
    network: Network, max_cycles: int, folding: int | None
) -> None:
    all_engines_agree(network, max_cycles, folding)


@pytest.mark.slow
@at_length(1000)
@given(image_networks(), _CHOICES)
def test_executor_equals_golden_on_images_at_length(network: Images, choice: claims.Choice) -> None:
    with claims.refusals_skipped():
        claims.executor_equals_golden(network, choice)


@pytest.mark.slow
@at_length(64)
@given(image_networks(), _CHOICES)
def test_all_engines_agree_on_images_at_length(network: Images, choice: claims.Choice) -> None:
    with claims.refusals_skipped():
        claims.all_engines_agree(network, choice)
