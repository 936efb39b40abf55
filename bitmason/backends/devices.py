"""Devices by name, and what they hold.

Sources: Lattice FPGA-DS-02012 (ECP5), AMD DS180 and DS190 (7 series, Zynq-7000), DS891 (Zynq
UltraScale+). A block RAM of 36 kbit counts as two of 18 kbit.
"""

from __future__ import annotations

from dataclasses import dataclass

from bitmason.backends.design import Resources


@dataclass(frozen=True)
class Device:
    """A device and its resources; `luts_per_estimate` of its own LUTs hold one estimated LUT6."""

    name: str
    holds: Resources
    luts_per_estimate: float = 1.0

    def needs(self, estimated: Resources) -> Resources:
        """Return what a design takes of this device."""
        lut = round(estimated.lut * self.luts_per_estimate)
        return Resources(lut, estimated.ff, estimated.dsp, estimated.bram18)


_LUT4 = 1.7  # LUT4s for one LUT6, measured with yosys over the layers of benchmarks/layer_area.py
DEVICES = {
    device.name: device
    for device in (
        Device("ecp5-25k", Resources(24288, 24288, 28, 56), _LUT4),
        Device("ecp5-45k", Resources(43848, 43848, 72, 108), _LUT4),
        Device("ecp5-85k", Resources(83640, 83640, 156, 208), _LUT4),
        Device("xc7z010", Resources(17600, 35200, 80, 120)),
        Device("xc7z020", Resources(53200, 106400, 220, 280)),
        Device("xc7z045", Resources(218600, 437200, 900, 1090)),
        Device("xczu3eg", Resources(70560, 141120, 360, 432)),
        Device("xczu7ev", Resources(230400, 460800, 1728, 624)),
    )
}
