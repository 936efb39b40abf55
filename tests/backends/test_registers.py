"""Claims about the map of a design's registers, and about what software is given of it."""

import importlib.util
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from systemrdl.compiler import RDLCompiler
from systemrdl.messages import MessageExceptionRaiser

from bitmason.backends.design import Knob
from bitmason.backends.registers import RegisterFiles, RegisterMap, emit_registers, register_map
from bitmason.toolchain import gxx

DIGEST = bytes(range(0xA0, 0xC0))
FORMAT = {"ebits": 5, "sbits": 3, "least": 254}
KNOBS = (Knob("fc1", "wbits", 4, 3), Knob("fc1", "abits", 8, 4), Knob("fc2", "abits", 3, 2))


@pytest.fixture(scope="module")
def made() -> RegisterFiles:
    return emit_registers("tfc", KNOBS, DIGEST)


def layers_of(*knobs: Knob) -> list[str]:
    return [register.name for register in register_map("net", knobs, DIGEST).layers]


def test_common_registers_stand_where_every_driver_looks_for_them(made: RegisterFiles) -> None:
    assert {register.name: register.address for register in made.map.registers} == {
        "magic": 0x00,
        "version": 0x04,
        "model_hash": 0x08,
        "control": 0x10,
        "status": 0x14,
        "map_hash": 0x18,
        "cycles": 0x20,
        "frames_taken": 0x28,
        "frames_given": 0x30,
        "input_stalls": 0x38,
        "output_stalls": 0x40,
        "input_waits": 0x48,
        "layer_fc1": 0x100,
        "layer_fc2": 0x104,
    }
    assert made.map["magic"].fields[0].reset == int.from_bytes(b"BITM", "little")
    assert made.map["model_hash"].fields[0].reset == int(DIGEST.hex()[:16], 16)
    assert made.map.address_bits == 12


def test_a_layer_has_a_byte_for_each_knob_at_a_fixed_place() -> None:
    knobs = (Knob("b", "abits", 8, 4), Knob("a", "wbits", 2, 2), Knob("b", "wbits", 1, 1))
    found = register_map("net", knobs, DIGEST)
    assert [(register.layer, register.address) for register in found.layers] == [
        ("b", 0x100),
        ("a", 0x104),
    ]
    places = [found.setting(knob) for knob in knobs]
    assert [(r.layer, f.name, f.lsb, f.bits, f.maximum, f.reset) for r, f in places] == [
        ("b", "abits", 8, 8, 8, 8),
        ("a", "wbits", 0, 8, 2, 2),
        ("b", "wbits", 0, 8, 1, 1),
    ]


def test_a_format_has_three_bytes_of_one_register(tmp_path: Path) -> None:
    knobs = [Knob("link", name, most, 8) for name, most in FORMAT.items()]
    files = emit_registers("net", (*KNOBS, *knobs), DIGEST)
    places = [files.map.setting(knob) for knob in knobs]
    assert {register.address for register, _ in places} == {0x108}
    assert [(f.name, f.lsb, f.bits, f.maximum, f.reset) for _, f in places] == [
        ("ebits", 0, 8, 5, 5),
        ("sbits", 8, 8, 3, 3),
        ("least", 16, 8, 254, 254),
    ]
    assert [field.summary for _, field in places] == [
        "bits of the exponent, 1 to 5",
        "bits of the mantissa, its leading one included, 1 to 3",
        "exponent field that the smallest number has in float32, 1 to 254",
    ]
    memory = Memory(files.map)
    registers = load(files, tmp_path).Registers(memory.read, memory.write)
    assert memory.words[0x108] == 5 | 3 << 8 | 254 << 16
    registers.layer_link.least = 112
    assert memory.words[0x108] == 5 | 3 << 8 | 112 << 16
    registers.layer_link.set(ebits=1, sbits=2, least=3)
    assert memory.words[0x108] == 0x030201
    with pytest.raises(ValueError, match="sbits is 1 to 3, not 4"):
        registers.layer_link.sbits = 4
    header = """
  uint32_t words[1024] = {0};
  net_set_layer_link(words, 4, 2, 113);
  return words[66] == 0x710204u && NET_LAYER_LINK_LEAST_MAX == 254u ? 0 : 1;
"""
    program = compile_c(files, header, tmp_path, ["-x", "c", "-std=c99"])
    assert subprocess.run([program], check=False).returncode == 0


def test_maps_differ_in_their_hash_where_layers_do() -> None:
    def map_hash(*knobs: Knob) -> int | None:
        return register_map("net", knobs, DIGEST)["map_hash"].fields[0].reset

    hashes = [
        map_hash(*KNOBS),
        map_hash(*KNOBS[:2]),
        map_hash(KNOBS[2], *KNOBS[:2]),
        map_hash(*KNOBS[:2], Knob("fc2", "abits", 4, 3)),
    ]
    assert len({*hashes}) == len(hashes)
    assert map_hash(*KNOBS) == map_hash(*KNOBS)


def test_names_differ_in_more_than_case() -> None:
    twins = [Knob(name, "wbits", 2, 2) for name in ("fc", "FC", "Fc", "fc_2")]
    assert layers_of(*twins) == ["layer_fc", "layer_FC_2", "layer_Fc_3", "layer_fc_2_2"]


def test_more_layers_than_a_page_holds_widen_the_address() -> None:
    def bits(count: int) -> int:
        knobs = tuple(Knob(f"l{index}", "wbits", 2, 2) for index in range(count))
        return register_map("net", knobs, DIGEST).address_bits

    assert (bits(1), bits(960), bits(961)) == (12, 12, 13)


def test_the_description_says_what_the_map_says(made: RegisterFiles, tmp_path: Path) -> None:
    root = elaborated(made.companions["registers.rdl"], tmp_path)
    found: dict[str, Any] = {}
    for node in root.top.registers():
        fields = {
            field.inst_name: (field.lsb, field.width, field.get_property("reset"))
            for field in node.fields()
        }
        found[node.inst_name] = (node.absolute_address, node.size, fields)
    wanted: dict[str, Any] = {}
    for register in made.map.registers:
        fields = {}
        for field in register.fields:
            if field.maximum:  # what is read is the hardware's, what is written has a place beside
                fields[field.name] = (field.lsb, field.bits, None)
                fields[f"{field.name}_written"] = (field.lsb, field.bits, field.maximum)
            else:
                fields[field.name] = (field.lsb, field.bits, field.reset)
        wanted[register.name] = (register.address, register.bits // 8, fields)
    assert found == wanted


def elaborated(description: str, folder: Path) -> Any:
    """Return the root of a description, which no other tool's properties are registered for."""
    path = folder / "registers.rdl"
    path.write_text(description)
    compiler = RDLCompiler(message_printer=MessageExceptionRaiser())
    compiler.compile_file(str(path))
    return compiler.elaborate()


@pytest.mark.parametrize("layer", ["reg", "begin", "self", "class", "int", "_", "x__y", "Cycles"])
def test_layers_may_have_the_names_of_keywords(layer: str, tmp_path: Path) -> None:
    knobs = (Knob(layer, "wbits", 4, 3), Knob(layer, "abits", 2, 2))
    found = emit_registers("endmodule", knobs, DIGEST)
    elaborated(found.companions["registers.rdl"], tmp_path)
    model = load(found, tmp_path)
    memory = Memory(found.map)
    registers = model.Registers(memory.read, memory.write)
    getattr(registers, f"layer_{layer}").abits = 1
    assert memory.words[0x100] == 0x0104
    assert list(found.sources) == [
        "endmodule_net_registers_pkg.sv",
        "endmodule_net_registers.sv",
        "endmodule_net_control.sv",
    ]
    compile_c(found, "return 0;", tmp_path, ["-x", "c", "-std=c99"])


def test_files_are_the_same_every_time(made: RegisterFiles) -> None:
    again = emit_registers("tfc", KNOBS, DIGEST)
    assert again.sources == made.sources
    assert again.companions == made.companions


def test_the_document_lists_every_field(made: RegisterFiles) -> None:
    text = made.companions["registers.md"]
    for register in made.map.registers:
        for field in register.fields:
            assert f"| 0x{register.address:03x} | `{register.name}` | {field.range} |" in text
    assert DIGEST.hex() in text


class Memory:
    """Words that answer as the registers do, but for what counts."""

    def __init__(self, found: RegisterMap) -> None:
        self.words: dict[int, int] = {}
        self.read_addresses: list[int] = []
        for register in found.registers:
            value = sum((field.reset or 0) << field.lsb for field in register.fields)
            for word in range(register.bits // 32):
                self.words[register.address + 4 * word] = value >> 32 * word & 0xFFFFFFFF

    def read(self, address: int) -> int:
        self.read_addresses.append(address)
        return self.words[address]

    def write(self, address: int, value: int) -> None:
        assert 0 <= value < 1 << 32
        self.words[address] = value


def load(files: RegisterFiles, folder: Path) -> Any:
    """Import the Python model as a module of its own."""
    path = folder / "registers.py"
    path.write_text(files.companions["registers.py"])
    spec = importlib.util.spec_from_file_location("generated_registers", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def software(made: RegisterFiles, tmp_path: Path) -> tuple[Any, Memory]:
    memory = Memory(made.map)
    return load(made, tmp_path).Registers(memory.read, memory.write), memory


def test_the_python_model_names_what_is_there(software: tuple[Any, Memory]) -> None:
    registers, memory = software
    registers.check()
    assert registers.magic == int.from_bytes(b"BITM", "little")
    assert registers.version.layout == 1
    assert (registers.layer_fc1.wbits, registers.layer_fc1.abits) == (4, 8)
    registers.layer_fc1.abits = 2
    assert memory.words[0x100] == 0x0204
    registers.layer_fc1.set(wbits=1, abits=3)
    assert memory.words[0x100] == 0x0301
    registers.layer_fc2.abits = 1
    assert memory.words[0x104] == 0x0100
    registers.clear_counters()
    assert memory.words[0x10] == 1


def test_the_python_model_reads_the_low_word_first(software: tuple[Any, Memory]) -> None:
    registers, memory = software
    memory.words[0x28], memory.words[0x2C] = 0xFFFFFFFE, 7
    memory.read_addresses.clear()
    assert registers.frames_taken == 7 << 32 | 0xFFFFFFFE
    assert memory.read_addresses == [0x28, 0x2C]


@pytest.mark.parametrize(
    ("misuse", "error", "message"),
    [
        (lambda r: setattr(r.layer_fc1, "wbits", 0), ValueError, "wbits is 1 to 4, not 0"),
        (lambda r: r.layer_fc1.set(abits=9), ValueError, "abits is 1 to 8, not 9"),
        (lambda r: r.layer_fc1.set(bits=1), AttributeError, "no field 'bits'"),
        (lambda r: setattr(r.layer_fc1, "abit", 1), AttributeError, "abit"),
        (lambda r: setattr(r.status, "frame_error", 0), AttributeError, "read-only"),
        (lambda r: setattr(r, "cycles", 0), AttributeError, "cycles"),
        (lambda r: r.layer_fc3, AttributeError, "layer_fc3"),
    ],
)
def test_the_python_model_refuses_what_is_not_there(
    software: tuple[Any, Memory],
    misuse: Callable[[Any], None],
    error: type[Exception],
    message: str,
) -> None:
    registers, memory = software
    before = dict(memory.words)
    with pytest.raises(error, match=message):
        misuse(registers)
    assert memory.words == before


@pytest.mark.parametrize(("address", "name"), [(0, "magic"), (0x0C, "model_hash"), (0x18, "map")])
def test_the_python_model_knows_other_hardware(
    software: tuple[Any, Memory], address: int, name: str
) -> None:
    registers, memory = software
    memory.words[address] ^= 1
    with pytest.raises(RuntimeError, match=f"^{name}"):
        registers.check()


def test_the_python_model_needs_no_package(made: RegisterFiles, tmp_path: Path) -> None:
    load(made, tmp_path)
    code = "import sys; sys.path.append('.'); import registers"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], cwd=tmp_path, check=True)


PROGRAM = """
  uint32_t words[1024] = {0};
  words[TFC_MAGIC / 4] = TFC_MAGIC_VALUE;
  words[TFC_MAP_HASH / 4] = TFC_MAP_HASH_VALUE;
  words[TFC_MODEL_HASH / 4] = (uint32_t)TFC_MODEL_HASH_VALUE;
  if (tfc_is_there(words)) return 1;
  words[TFC_MODEL_HASH / 4 + 1] = (uint32_t)(TFC_MODEL_HASH_VALUE >> 32);
  if (!tfc_is_there(words)) return 2;
  tfc_set_layer_fc1(words, 3, 5);
  if (words[64] != 0x503u || TFC_LAYER_FC1_ABITS_MAX != 8u) return 3;
  tfc_set_layer_fc2(words, 0x102);
  if (words[65] != 0x200u) return 4;
  tfc_clear_counters(words);
  if (words[4] != 1u) return 5;
  words[TFC_FRAMES_GIVEN / 4] = 0xffffffffu;
  words[TFC_FRAMES_GIVEN / 4 + 1] = 9u;
  return tfc_read64(words, TFC_FRAMES_GIVEN) == 0x9ffffffffull ? 0 : 6;
"""


@pytest.mark.parametrize("language", [["-x", "c", "-std=c99"], ["-x", "c++", "-std=c++11"]])
def test_the_header_is_c_and_cpp_without_a_warning(
    made: RegisterFiles, language: list[str], tmp_path: Path
) -> None:
    program = compile_c(made, PROGRAM, tmp_path, language)
    assert subprocess.run([program], check=False).returncode == 0


def compile_c(files: RegisterFiles, body: str, folder: Path, language: list[str]) -> Path:
    (folder / "registers.h").write_text(files.companions["registers.h"])
    (folder / "main.c").write_text(f'#include "registers.h"\nint main(void) {{{body}}}\n')
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
    command = [gxx.find().path, *language, *warnings, "main.c", "-o", "main"]
    subprocess.run([str(part) for part in command], cwd=folder, check=True)
    return folder / "main"
