"""Generated adders, simulated."""

from bitmason.backends.sv.ras import render_adders
from hw_tests.bench.runner import run_bench
from hw_tests.bench.wrapper import Port, instance
from hw_tests.lib.tb_ras_unrolled import SHAPES, Shape, graph

TOP = "bench_ras_unrolled"


def module(case: str) -> str:
    """The generated module of a case."""
    shape = SHAPES[case]
    bits, between = shape.out_bits, shape.between
    return render_adders(graph(case), f"{case}_adders", out_bits=bits, between=between)


def ports(shape: Shape) -> list[Port]:
    """The ports of a generated module but clock and reset."""
    return [
        Port("s_axis_tdata", is_input=True, width=shape.lanes * shape.columns * shape.x.bits),
        Port("s_axis_tvalid", is_input=True, width=1),
        Port("s_axis_tready", is_input=False, width=1),
        Port("m_axis_tdata", is_input=False, width=shape.lanes * shape.rows * shape.out_bits),
        Port("m_axis_tvalid", is_input=False, width=1),
        Port("m_axis_tready", is_input=True, width=1),
    ]


def top() -> str:
    """A module that holds all cases side by side."""
    declared = [Port(name, is_input=True, width=1).declared(name) for name in ("clk", "rst")]
    instances = []
    for case, shape in SHAPES.items():
        wires = [".clk", ".rst"]
        for port in ports(shape):
            declared.append(port.declared(f"{case}_{port.name}"))
            wires.append(f".{port.name}({case}_{port.name})")
        parameters = {"LANES": shape.lanes}
        instances.append(instance(f"{case}_adders", case, parameters, ",\n    ".join(wires)))
    head = f"`default_nettype none\n\nmodule {TOP} (\n" + ",\n".join(declared) + "\n);\n\n"
    return head + "\n".join(instances) + "\nendmodule\n\n`default_nettype wire\n"


def test_unrolled_adders_keep_their_contract() -> None:
    texts = {f"{case}_adders.sv": module(case) for case in SHAPES}
    run_bench(TOP, {**texts, f"{TOP}.sv": top()}, "hw_tests.lib.tb_ras_unrolled")
