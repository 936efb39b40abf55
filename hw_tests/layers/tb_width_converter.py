"""Claims about generated width converters."""

from bitmason.ir import Bipolar, Int, UInt
from hw_tests.layers.bench import layer_claims, width_case

CASES = {
    "up": width_case("up", UInt(3), 24, 2, 8),
    "down": width_case("down", Int(4), 24, 6, 2),
    "gearbox": width_case("gearbox", Bipolar(), 784, 16, 49),
    "gearbox_down": width_case("gearbox_down", UInt(2), 60, 15, 4),
    "lanes_up": width_case("lanes_up", UInt(3), 48, 2, 4, lanes=2),
    "lanes_down": width_case("lanes_down", Int(2), 36, 6, 2, lanes=3),
    "lanes_gearbox": width_case("lanes_gearbox", UInt(2), 48, 4, 6, lanes=2),
}

(
    equals_golden,
    runs_at_full_rate,
    leaves_when_modelled,
    recovers_from_reset,
) = layer_claims(CASES)
