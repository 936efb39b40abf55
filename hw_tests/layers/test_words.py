"""Generated layers from elements to dense words, and back, simulated."""

from hw_tests.layers.bench import run_layers
from hw_tests.layers.tb_words import CASES


def test_words_layers_keep_their_contract() -> None:
    run_layers("layers_words", CASES, "hw_tests.layers.tb_words")
