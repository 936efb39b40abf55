"""Which formats of a tensor hardware is built for, as far as one tensor alone can tell.

Invariant: what is refused here the importer refuses too, and of a tensor's own limits no others.
How long the sum of a whole product gets depends on both of its operands: that is not settled here.
"""

from __future__ import annotations

from bitmason.formats.compress import compressed
from bitmason.formats.histogram import Histogram
from bitmason.formats.network import FloatNetwork, Kind
from bitmason.frontend.float_format import MOST_CODE_BITS, MOST_E_BITS, MOST_FIXED_BITS
from bitmason.ir.custom_float import CustomFloat
from bitmason.ir.rounding import Rounding


def is_built(network: FloatNetwork, site: int, form: CustomFloat, rounding: Rounding) -> bool:
    """Return whether `bitmason compile` takes a tensor in a format.

    Activations may become any number of their format; of weights those count that there are.
    """
    short = form.fixed_type.bits <= MOST_FIXED_BITS
    if network.sites[site].kind is Kind.ACTIVATIONS:
        return short and form.e_bits <= MOST_E_BITS and form.bits <= MOST_CODE_BITS
    if short:
        return True
    lowest, highest = Histogram.of(compressed(network.weights(site), form, rounding)).exponents
    return highest - lowest + form.m_bits + 2 <= MOST_FIXED_BITS
