"""Fit a network into a device: the fastest folding that it holds, or the one that was asked for.

Invariant: like every folding, the result depends on the graph and the configuration alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from math import exp, log

from bitmason.backends.design import Prices, Resources
from bitmason.backends.devices import DEVICES, Device
from bitmason.backends.folding import Chosen, Folder, check_target
from bitmason.config import Config
from bitmason.diagnostics import Loc, did_you_mean, fail, quote

# What is scarce differs from network to network: as it is, logic, memory, multipliers.
_MARKETS = (
    Prices(),
    Prices(dsp=30, bram18=30),
    Prices(dsp=30, bram18=1500),
    Prices(dsp=2000, bram18=30),
    Prices(dsp=2000, bram18=1500),
)
_SLOWEST = 2**40
_PRECISION = 1.02  # steps of the search, as a ratio
# What FIFOs and width converters may take on top of the layers.
USABLE = 0.95

Choice = Mapping[str, Chosen]


def choose_within(folder: Folder, config: Config, loc: Loc) -> Choice:
    """Return the layers of a network, within the device that `config` names if it names one.

    Raises:
        CompileError: B001 and B002 from the folding, B004 when the device is too small.
    """
    device = _device(config.device) if config.device and not folder.is_fixed else None
    if device is None or config.has_target:
        found = folder.choose(config.cycles_wanted if config.has_target else folder.modest_cycles)
        if config.has_target:
            # Before the others slow down for it, the layer that limits the pace stands out.
            reached = folder.reach(config.cycles_wanted)
            check_target([made.layer for made in reached.values()], config)
        if device is None:
            return found
        return _fitting(folder, device, config.cycles_wanted) or _refuse(folder, device, found, loc)
    return _fastest(folder, device) or _refuse(folder, device, folder.choose(_SLOWEST), loc)


def _device(name: str) -> Device:
    if name not in DEVICES:
        fail(
            "C001",
            f"there is no device called {quote(name)}",
            help=did_you_mean(name, DEVICES) or f"the devices are {', '.join(DEVICES)}",
        )
    return DEVICES[name]


def _fitting(folder: Folder, device: Device, cycles: int) -> Choice | None:
    """Return the first choice of at most `cycles` that the device holds, or None."""
    for prices in _MARKETS:
        found = folder.choose(cycles, prices)
        if _pace(found) <= max(cycles, 1) and not _missing(device, found):
            return found
    return None


def _fastest(folder: Folder, device: Device) -> Choice | None:
    """Return the fastest choice that the device holds, or None if it holds none at all."""
    smallest = folder.choose(_SLOWEST)
    best = _fitting(folder, device, _SLOWEST)
    if best is None:
        return None
    low, high = 0.0, log(max(_pace(smallest), _pace(best), 1))
    while high - low > log(_PRECISION):
        middle = (low + high) / 2
        found = _fitting(folder, device, round(exp(middle)))
        if found is None:
            low = middle
        else:
            best, high = found, min(middle, log(_pace(found)))
    return best


def _pace(found: Choice) -> int:
    return max((made.layer.cycles for made in found.values()), default=1)


def _total(found: Choice) -> Resources:
    return sum((made.layer.resources for made in found.values()), Resources())


def _missing(device: Device, found: Choice) -> dict[str, tuple[int, int]]:
    """Return, for each resource that the device has too few of, need and stock."""
    needs, holds = asdict(device.needs(_total(found))), asdict(device.holds)
    return {
        name: (needs[name], holds[name]) for name in needs if needs[name] > USABLE * holds[name]
    }


_SHOWN = {"lut": "LUT", "ff": "flip-flops", "dsp": "DSP blocks", "bram18": "18-kbit block RAMs"}


def _refuse(folder: Folder, device: Device, found: Choice, loc: Loc) -> Choice:
    """Stop, and say what is missing and what would fit."""
    notes = [
        f"it needs {needed:,} {_SHOWN[name]}, {needed - round(USABLE * stock):,} more than the "
        f"{round(USABLE * stock):,} to be had ({USABLE:.0%} of {stock:,})"
        for name, (needed, stock) in _missing(device, found).items()
    ]
    largest = max(found.values(), key=lambda made: made.layer.resources.price(Prices()))
    notes.append(f"its largest layer is '{largest.layer.name}'")
    fitting = _fastest(folder, device)
    cure = (
        "use a larger device, or fewer bits or channels"
        if fitting is None
        else f"use --max-cycles {_pace(fitting)}, the fastest that fits, or a larger device"
    )
    fail(
        "B004",
        f"the design does not fit {device.name}",
        loc=loc,
        notes=notes,
        help=cure,
    )
