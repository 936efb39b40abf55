import json
from pathlib import Path

import pytest

from bitmason.diagnostics import CompileError
from bitmason.toolchain import yosys
from bitmason.toolchain.netlist import Netlist, Simulation
from bitmason.toolchain.yosys import Area

LIBRARY = Path(yosys.__file__).parents[1] / "templates" / "sv" / "lib"
POPCOUNT = [
    LIBRARY / f"{name}.sv"
    for name in (
        *("bm_delay", "bm_xnor_counter", "bm_bit_counter", "bm_compressor_tree"),
        "bm_xnor_popcount",
    )
]

needs_yosys = pytest.mark.skipif(yosys.find() is None, reason="pyosys is not installed")


@pytest.fixture
def adder(tmp_path: Path) -> Path:
    folder = tmp_path / "a folder"
    folder.mkdir()
    path = folder / "adder.sv"
    path.write_text(
        """module adder #(parameter int unsigned WIDTH = 4, parameter string NAME = "plain") (
          input wire logic clk,
          input wire logic [WIDTH-1:0] a,
          input wire logic [WIDTH-1:0] b,
          output logic [WIDTH-1:0] sum
        );
          always_ff @(posedge clk) sum <= (NAME == "a \\"b\\"") ? a - b : a + b;
        endmodule
        """
    )
    return path


def prove(folder: Path, text: str, cells: list[str]) -> None:
    """Prove that the output `equal` of module `claim` is 1, with yosys's models of primitives."""
    (folder / "claim.sv").write_text(text + yosys.DEVICES["xc7"].primitives)
    files = " ".join(str(LIBRARY / f"{cell}.sv") for cell in cells)
    yosys.run(
        [
            f"read_slang --top claim claim.sv {files}",
            "read_verilog -overwrite +/xilinx/cells_sim.v",
            "hierarchy -check -top claim",
            "proc",
            "flatten",
            "opt_clean",
            "sat -verify -prove equal 1 claim",
        ],
        folder,
        subject="claim",
    )


@needs_yosys
@pytest.mark.parametrize("inputs", [3, 5, 6, 7])
def test_bit_counter_counts_on_every_target(inputs: int, tmp_path: Path) -> None:
    outputs = range(1, 3 if inputs == 3 else 4)
    cases = [(o, target) for o in outputs for target in ("generic", "xilinx")]
    instances = "".join(
        f"""
          logic [{o - 1}:0] {target}_{o};
          bm_bit_counter #(.INPUTS({inputs}), .OUTPUTS({o}), .TARGET("{target}"))
            u_{target}_{o} (.bits, .count({target}_{o}));"""
        for o, target in cases
    )
    terms = " && ".join(f"{target}_{o} == {o}'($countones(bits))" for o, target in cases)
    text = f"""module claim (input wire logic [{inputs - 1}:0] bits, output wire logic equal);
        {instances}
        assign equal = {terms};
      endmodule
    """
    prove(tmp_path, text, ["bm_bit_counter"])


@needs_yosys
@pytest.mark.parametrize("inputs", range(2, 9))
def test_xnor_counter_counts_on_every_target(inputs: int, tmp_path: Path) -> None:
    instances = "".join(
        f"""
          logic sum_{target};
          logic [{inputs // 2 - 1}:0] carries_{target};
          bm_xnor_counter #(.INPUTS({inputs}), .TARGET("{target}")) u_{target}
            (.w, .x, .sum(sum_{target}), .carries(carries_{target}));"""
        for target in ("generic", "xilinx")
    )
    terms = " && ".join(
        f"4'(sum_{target}) + (4'($countones(carries_{target})) << 1) == 4'($countones(~(w ^ x)))"
        for target in ("generic", "xilinx")
    )
    ports = f"input wire logic [{inputs - 1}:0] w, x, output wire logic equal"
    text = f"""module claim ({ports});
        {instances}
        assign equal = {terms};
      endmodule
    """
    prove(tmp_path, text, ["bm_xnor_counter"])


@needs_yosys
def test_proof_fails_on_a_false_claim(tmp_path: Path) -> None:
    text = "module claim (input wire logic a, output wire logic equal); assign equal = a; endmodule"
    with pytest.raises(CompileError, match="T003"):
        prove(tmp_path, text, [])


@needs_yosys
@pytest.mark.parametrize("target", ["generic", "xilinx"])
@pytest.mark.parametrize("n", [1, 7, 12])
def test_popcount_tree_equals_countones(target: str, n: int, tmp_path: Path) -> None:
    width = n.bit_length()
    text = f"""module claim (input wire logic [{n - 1}:0] w, x, output wire logic equal);
        logic [{width - 1}:0] count;
        bm_xnor_popcount #(.N({n}), .TARGET("{target}"))
          u (.clk(1'b0), .en(1'b0), .w, .x, .count);
        assign equal = count == {width}'($countones(~(w ^ x)));
      endmodule
    """
    prove(tmp_path, text, [path.stem for path in POPCOUNT])


@needs_yosys
@pytest.mark.parametrize(("target", "luts_per_bit"), [("xilinx", 1.0), ("generic", 1.6)])
def test_popcount_of_256_stays_small(target: str, luts_per_bit: float) -> None:
    area = yosys.synthesise(POPCOUNT, "bm_xnor_popcount", parameters={"N": 256, "TARGET": target})
    assert area.lut <= 256 * luts_per_bit
    assert area.ff == 0


@needs_yosys
def test_synthesises_with_parameters(adder: Path, tmp_path: Path) -> None:
    netlist = tmp_path / "adder.json"
    area = yosys.synthesise([adder], "adder", parameters={"WIDTH": 8}, netlist=netlist)
    assert area == Area(
        lut=8,
        lut_by_size=(0, 8, 0, 0, 0, 0),
        lut_sites=8,
        ff=8,
        carry=2,
        dsp=0,
        bram18=0,
        bram36=0,
        srl=0,
    )
    mapped = Netlist.load(netlist, "adder")
    assert mapped.levels == 2
    simulation = Simulation(mapped, lanes=2)
    a, b = 0x5A, 0x33
    inputs = {"a": spread(a, a), "b": spread(b, 1), "clk": [0]}
    simulation.step(inputs)
    assert simulation.step(inputs)["sum"] == spread(a + b, a + 1)


@needs_yosys
def test_passes_text_parameters_whole(adder: Path, tmp_path: Path) -> None:
    netlist = tmp_path / "adder.json"
    yosys.synthesise([adder], "adder", parameters={"NAME": 'a "b"'}, netlist=netlist)
    simulation = Simulation(Netlist.load(netlist, "adder"), lanes=1)
    inputs = {"a": [1, 0, 0, 1], "b": [1, 1, 0, 0], "clk": [0]}
    simulation.step(inputs)
    assert simulation.step(inputs)["sum"] == [0, 1, 1, 0]


@needs_yosys
@pytest.mark.parametrize(("dsp", "blocks"), [(True, 1), (False, 0)])
def test_products_stay_in_logic_on_demand(dsp: bool, blocks: int, tmp_path: Path) -> None:
    source = tmp_path / "product.sv"
    source.write_text(
        "module product(input logic [7:0] a, b, output logic [15:0] y); assign y = a * b;"
        " endmodule\n"
    )
    area = yosys.synthesise([source], "product", dsp=dsp)
    assert area.dsp == blocks
    assert (area.lut == 0) == dsp


@needs_yosys
def test_synthesises_for_ecp5(adder: Path) -> None:
    area = yosys.synthesise([adder], "adder", device="ecp5", parameters={"WIDTH": 8})
    assert (area.carry, area.ff, area.lut_sites) == (4, 8, area.lut + 8)


@needs_yosys
def test_reports_what_yosys_rejects(tmp_path: Path) -> None:
    source = tmp_path / "broken.sv"
    source.write_text("module broken (input wire logic a, output wire logic b);\n")
    with pytest.raises(CompileError) as caught:
        yosys.synthesise([source], "broken")
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("T003", "yosys failed on module broken")
    assert any("broken.sv" in note and "error" in note.lower() for note in found.notes)


def test_names_the_cure_without_yosys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yosys, "find", lambda: None)
    with pytest.raises(CompileError) as caught:
        yosys.synthesise([tmp_path / "any.sv"], "any")
    assert str(caught.value) == (
        "error[T002]: yosys is not installed\n  help: pip install 'bitmason[synth]'"
    )


def test_sorts_cells_into_an_area() -> None:
    cells = {"LUT2": 3, "LUT6": 5, "LUT6_2": 7, "SRL16E": 2, "RAM64M": 2, "CARRY4": 4}
    cells |= {"FDRE": 9, "FDSE": 1, "DSP48E1": 1, "RAMB18E1": 2, "RAMB36E1": 3, "BUFG": 1}
    area = yosys.area_of(cells, yosys.DEVICES["xc7"])
    assert area == Area(15, (0, 3, 0, 0, 0, 12), 25, 10, 4, 1, 2, 3, 2)


def test_netlist_refuses_cells_it_cannot_simulate(tmp_path: Path) -> None:
    cell = {"type": "DSP48E1", "parameters": {}, "connections": {}}
    path = tmp_path / "netlist.json"
    path.write_text(json.dumps({"modules": {"top": {"ports": {}, "cells": {"u": cell}}}}))
    with pytest.raises(AssertionError, match="DSP48E1"):
        Netlist.load(path, "top")


def spread(*lanes: int) -> list[int]:
    """One int a bit from one byte a lane."""
    return [sum((word >> bit & 1) << lane for lane, word in enumerate(lanes)) for bit in range(8)]
