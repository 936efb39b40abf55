"""Module names: unique, legal in Verilog and SystemVerilog, close to the user's own."""

from __future__ import annotations

# Words a module may not be called in SystemVerilog (IEEE 1800-2023, Annex B) or by our library.
_RESERVED = frozenset(
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


class ModuleNames:
    """Hands out names, each once."""

    def __init__(self, network: str) -> None:
        """Choose the name of the top module, and keep the wrapper's name free."""
        legal = network not in _RESERVED and not network.startswith("bm_")
        self.top = network if legal else f"{network}_net"
        self.wrapper = f"{self.top}_wrapper"
        self._taken = {self.top, self.wrapper}

    def layer(self, name: str) -> str:
        """Return the module name of the layer `name`."""
        base = wanted = f"{self.top}_{name}"
        count = 1
        while wanted in self._taken:
            count += 1
            wanted = f"{base}_{count}"
        self._taken.add(wanted)
        return wanted
