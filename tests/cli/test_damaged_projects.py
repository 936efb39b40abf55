"""Projects that were edited, cut short, or made to mislead."""

from __future__ import annotations

import json
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bitmason.diagnostics import CompileError
from bitmason.pipeline import load_project
from tests.cli.command import batch, refused, run, save

HINT = "\n  help: run `bitmason compile MODEL.onnx -o DIR` first\n"


def test_a_folder_that_is_no_project(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("absent", ".", "file", "file/p", "n" * 300):
        for command in (("report",), ("verify",)):
            assert "error[C003]: " in refused(*command, tmp_path / name)


@pytest.mark.parametrize("name", ["manifest.json", "graph.ir", "model.onnx"])
def test_missing_file(project: Path, name: str) -> None:
    (project / name).unlink()
    assert refused("report", project) == (
        f"{project}: error[C003]: 'p' is not a bitmason project: "
        f"'{name}': no such file or directory" + HINT
    )


@pytest.mark.parametrize("ending", [".sv", ".v", ".mem"])
def test_missing_rtl(project: Path, tmp_path: Path, ending: str) -> None:
    lost = sorted((project / "rtl").rglob(f"*{ending}"))[0]
    lost.unlink()
    x = save(tmp_path / "x.npy", batch())
    shown = refused(
        *("simulate", project, "--inputs", x, "--outputs", tmp_path / "y"), "--engine", "rtl"
    )
    assert f"error[C003]: 'p' is not a bitmason project: '{lost.name}': no such file" in shown
    assert not (project / "build").exists()


def _edit(project: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    path = project / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "3", "null", '"x"', "{}", '{"bitmason": 1}', "[" * 100_000, "\ud800", "NaN"],
)
def test_manifest_that_is_none(project: Path, text: str) -> None:
    (project / "manifest.json").write_text(text, errors="surrogatepass")
    assert refused("report", project) == (
        f"{project}: error[C003]: 'p' is not a bitmason project: its manifest.json is damaged"
        + HINT
    )


def _holder(manifest: dict[str, Any], key: str) -> dict[str, Any]:
    """Return what holds a key: the manifest, or its entry for the RTL."""
    found: dict[str, Any] = manifest if key in manifest else manifest["rtl"]
    return found


@pytest.mark.parametrize("key", ["model", "rtl", "top", "sources", "memories", "config"])
@pytest.mark.parametrize("value", [None, 3, [], {"a": 1}, [3], ["absent.sv"]])
def test_manifest_with_other_kinds_of_values(project: Path, key: str, value: object) -> None:
    _edit(project, lambda manifest: _holder(manifest, key).update({key: value}))
    outcome = run("report", project)
    harmless = key == "model" or (key == "memories" and value == [])
    assert outcome.status == (0 if harmless else 1), outcome
    assert "Traceback" not in outcome.err
    _edit(project, lambda manifest: _holder(manifest, key).pop(key))
    assert "[C003]" in refused("report", project)


@pytest.mark.parametrize("top", ["../../x", "/bin/sh", "", "a b", "net\n", "-x", "a;b", "$(x)"])
def test_hostile_top(project: Path, tmp_path: Path, top: str) -> None:
    _edit(project, lambda manifest: manifest["rtl"].update(top=top))
    _refused_by_the_simulator(project, tmp_path)


@pytest.mark.parametrize(
    "name", ["../../outside.sv", "/etc/passwd", "", ".", "..", "link.sv", "lib", "a\0b", "link"]
)
@pytest.mark.parametrize("key", ["sources", "memories"])
def test_hostile_sources(project: Path, tmp_path: Path, key: str, name: str) -> None:
    (tmp_path / "outside.sv").write_text("module outside; endmodule\n")
    (project / "rtl" / "link.sv").symlink_to(tmp_path / "outside.sv")
    (project / "rtl" / "link").symlink_to("/etc")
    _edit(project, lambda manifest: manifest["rtl"][key].append(name))
    _refused_by_the_simulator(project, tmp_path)


def test_rtl_folder_that_leads_outside(project: Path, tmp_path: Path) -> None:
    shutil.move(project / "rtl", tmp_path / "elsewhere")
    (project / "rtl").symlink_to(tmp_path / "elsewhere")
    _refused_by_the_simulator(project, tmp_path)


def _refused_by_the_simulator(project: Path, tmp_path: Path) -> None:
    x = save(tmp_path / "x.npy", batch())
    simulate = ("simulate", project, "--inputs", x, "--outputs", tmp_path / "y")
    assert "[C003]" in refused(*simulate, "--engine", "rtl")
    assert not (project / "build").exists()


def _graph(project: Path, change: Callable[[str], str]) -> str:
    path = project / "graph.ir"
    text = path.read_text()
    changed = change(text)
    assert changed != text
    path.write_text(changed)
    return refused("report", project)


def test_bad_token_is_shown_with_line_and_column(project: Path) -> None:
    lines = (project / "graph.ir").read_text().splitlines()
    index = next(i for i, line in enumerate(lines) if "= dense(" in line)
    column = lines[index].index("dense(") + 1
    shown = _graph(project, lambda text: text.replace("= dense(", "= dnese("))
    assert shown == (
        f"{project}/graph.ir: error[I002]: line {index + 1}, column {column}: expected an "
        "operation, found \"dnese\"\n  help: did you mean 'dense'?\n"
    )


def test_every_truncation_of_the_graph(project: Path) -> None:
    path = project / "graph.ir"
    text = path.read_text().rstrip()
    for length in range(0, len(text), 37):
        path.write_text(text[:length])
        with pytest.raises(CompileError) as caught:
            load_project(project)
        assert caught.value.diagnostics[0].code == "I002"


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (r"dense\(%\w+\)", "dense(%absent)"),
        (r"dense\(%\w+\)", "dense()"),
        (r"return %\w+", "return %absent"),
        (r"return %\w+", "return"),
        (r"real\[6\]", "real[7]"),
        (r"%x: real\[6\]", "%x: int3[6]"),
        (r"scale = f32\[\]\([^)]*\)", "scale = 3"),
        (r"out = int3", "out = real"),
        (r"out = int3", "out = none"),
        (r"%fc0 =", "%x ="),
        (r"folding\(\d+", "folding(5"),
        (r"folding\(\d+", "folding(0"),
        (r"folding\(\d+", 'folding("a"'),
        (r"folding\(", "folding(1, 2, 3, 4, 5, 6, "),
        (r"i8\[4, 6\]", "i8[6, 4]"),
        (r"i8\[4, 6\]", "i8[99999999999, 99999999999]"),
        (r"int3\[", "int3<9..1>["),
        (r"\(%x", "(" * 3000 + "%x"),
        (r'"ROUND"', '"NONE"'),
        (r": real\[6\]", ": real[" + "9" * 5000 + "]"),
    ],
)
def test_graph_that_breaks_the_rules(project: Path, pattern: str, replacement: str) -> None:
    shown = _graph(project, lambda text: re.sub(pattern, lambda _: replacement, text, count=1))
    assert shown.startswith((f"{project}/graph.ir", "net.onnx#"))
    assert re.search(r"error\[(I001|I002|C003|B00\d)\]", shown), shown


def test_any_change_of_the_graph_ends_in_a_diagnostic_or_in_none(project: Path) -> None:
    path = project / "graph.ir"
    tokens = re.findall(r'"(?:[^"\\]|\\.)*"|%?\w+|\s+|.', path.read_text())
    spare = ["0", "-1", "9" * 20, "none", "(", "uint3", "1/0", "inf", "1e400", '"!!"', "%x", "]"]
    chance = random.Random(0)
    refusals = 0
    for _ in range(150):
        changed = list(tokens)
        changed[chance.randrange(len(tokens))] = chance.choice([*spare, "", chance.choice(tokens)])
        path.write_text("".join(changed))
        try:
            load_project(project).simulate(batch())
        except CompileError:
            refusals += 1
    assert refusals > 75


def test_model_that_was_replaced(project: Path) -> None:
    (project / "model.onnx").write_bytes(b"nothing")
    assert "error[F001]" in refused("verify", project)


def test_device_in_place_of_a_file(project: Path) -> None:
    (project / "graph.ir").unlink()
    (project / "graph.ir").symlink_to(project / "rtl")
    assert "[C003]" in refused("report", project)
