"""Generated register blocks, simulated."""

from bitmason.backends.registers.block import make_block
from hw_tests.bench.runner import run_bench
from hw_tests.registers.bench import files
from hw_tests.registers.tb_carry import START


def test_register_block_keeps_its_contract() -> None:
    made = files("tfc")
    run_bench(made.control, made.sources, "hw_tests.registers.tb_control")


def test_counters_carry_from_word_to_word() -> None:
    made = files("late")
    zero = "counter; resetsignal = counter_reset; } value[63:0] = 0x0;"
    description = made.companions["registers.rdl"]
    assert zero in description
    description = description.replace(zero, zero.replace("0x0", hex(START)))
    late = make_block(description, "late_registers", made.map.address_bits, made.map.version)
    run_bench(made.control, made.sources | late, "hw_tests.registers.tb_carry")
