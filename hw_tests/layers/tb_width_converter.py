"""Claims about generated width converters."""

from bitmason.ir import Bipolar, Int, UInt
from hw_tests.layers.bench import layer_claims, width_case

CASES = {
    "up": width_case("up", UInt(3), 24, 2, 8),
    "down": width_case("down", Int(4), 24, 6, 2),
    "gearbox": width_case("gearbox", Bipolar(), 784, 16, 49),
    "gearbox_down": width_case("gearbox_down", UInt(2), 60, 15, 4),
}

equals_golden, runs_at_full_rate, has_exact_latency, recovers_from_reset = layer_claims(CASES)
