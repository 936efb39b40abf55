"""Names of modules, functions and types: unique, legal in every language, close to the user's own.

Invariant: a network has the same top level, by name, in every backend.
"""

from __future__ import annotations

import re

# Words that name no module in SystemVerilog (IEEE 1800-2023, Annex B).
_VERILOG = frozenset(
    """accept_on alias always always_comb always_ff always_latch and assert assign assume
    automatic before begin bind bins binsof bit break buf bufif0 bufif1 byte case casex casez
    cell chandle checker class clocking cmos config const constraint context continue cover
    covergroup coverpoint cross deassign default defparam design disable dist do edge else end
    endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup
    endinterface endmodule endpackage endprimitive endprogram endproperty endspecify endsequence
    endtable endtask enum event eventually expect export extends extern final first_match for
    force foreach forever fork forkjoin function generate genvar global highz0 highz1 if iff
    ifnone ignore_bins illegal_bins implements implies import incdir include initial inout input
    inside instance int integer interconnect interface intersect join join_any join_none large
    let liblist library local localparam logic longint macromodule matches medium modport module
    nand negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or output
    package packed parameter pmos posedge primitive priority program property protected pull0
    pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase
    randsequence rcmos real realtime ref reg reject_on release repeat restrict return rnmos
    rpmos rtran rtranif0 rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared
    sequence shortint shortreal showcancelled signed small soft solve specify specparam static
    std string strong strong0 strong1 struct super supply0 supply1 sync_accept_on sync_reject_on
    table tagged task this throughout time timeprecision timeunit tran tranif0 tranif1 tri tri0
    tri1 triand trior trireg type typedef union unique unique0 unsigned until until_with untyped
    use uwire var vectored virtual void wait wait_order wand weak weak0 weak1 while wildcard
    wire with within wor xnor xor""".split()
)
# Words that name nothing in C++ (ISO C++20, 5.11 and 5.5), and macros that compilers may know.
_CPP = frozenset(
    """alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t
    char8_t class co_await co_return co_yield compl concept const const_cast consteval constexpr
    constinit continue decltype default delete do double dynamic_cast else enum errno explicit
    export extern false float for friend goto if inline int linux long main mutable namespace new
    noexcept not not_eq nullptr operator or or_eq private protected public register
    reinterpret_cast requires return short signed sizeof static static_assert static_cast stderr
    stdin stdout struct switch template this thread_local throw true try typedef typeid typename
    union unix unsigned using virtual void volatile wchar_t while xor xor_eq""".split()
)
# What generated C++ calls by these names itself, besides the members of configurations.
_OURS = frozenset("ap_int ap_uint bitmason hls layers std".split())
_MEMBERS = frozenset(
    "Code Counts Engine Entry Factor Lengths Offset Op Pick Product Seed Step Sum Value Values "
    "Weight".split()
)
# Such names macros and standard types have, or our ports and cells.
_SUSPECT = re.compile(
    r"EOF|NAN|NULL|BUFSIZ|INFINITY|[A-Z0-9]*_[A-Z0-9_]*|.*_t"
    r"|[sm]\d*_axis\w*|s_axil\w*|frame_error\d*|(bm|bitmason)_.*"
)


class ModuleNames:
    """Hands out names, each once."""

    def __init__(self, network: str) -> None:
        """Choose the name of the top module, and keep those of what stands around layers free."""
        legal = network not in _VERILOG and _is_plain(network)
        self.top = network if legal else f"{network}_net"
        self.wrapper = f"{self.top}_wrapper"
        around = (f"{self.top}_{name}" for name in ("control", "registers", "registers_pkg"))
        self._taken = {self.top, self.wrapper, *around}

    def layer(self, name: str) -> str:
        """Return the module name of the layer `name`."""
        base = wanted = f"{self.top}_{name}"
        count = 1
        while wanted in self._taken:
            count += 1
            wanted = f"{base}_{count}"
        self._taken.add(wanted)
        return wanted


class TypeNames:
    """Hands out the names of C++ types in a namespace of their own, each once."""

    def __init__(self) -> None:
        """Start with no name taken."""
        self._taken: set[str] = set()

    def layer(self, name: str) -> str:
        """Return the type name of the layer `name`."""
        legal = _is_plain(name) and name not in _MEMBERS and name.upper() != name
        wanted = name if legal else f"{name}_layer"
        while wanted in self._taken:
            wanted += "_layer"
        self._taken.add(wanted)
        return wanted


def _is_plain(name: str) -> bool:
    return name not in _CPP | _OURS and not _SUSPECT.fullmatch(name)
