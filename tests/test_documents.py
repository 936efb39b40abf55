"""Claims about the documents: current, without dead links, and true to the command line."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import typer.main

from bitmason.cli import app

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted(
    chain(ROOT.glob("*.md"), (ROOT / "docs").rglob("*.md"), (ROOT / "examples").rglob("*.md"))
)
RECORDS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
README = ROOT / "README.md"
MAX_COLUMNS = 110
MAX_RECORD_LINES = 60

FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ +(.*)$", re.MULTILINE)
ANCHOR = re.compile(r'<a id="([^"]+)">')
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*")
COMMAND = re.compile(r"^\$ bitmason (\S+)(.*)$", re.MULTILINE)
# In two parts each, so that this file does not hold what it forbids.
REGISTRIES = ("pypi" + ".org", "python" + "hosted", "npmjs" + ".com", "crates" + ".io")
MACHINE_PATHS = re.compile(r"(?<![\w.>-])/(?:work|root|home|mnt|Users)/\w")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose_of(path: Path) -> str:
    return FENCED.sub("", path.read_text(encoding="utf-8"))


def slug(heading: str) -> str:
    words = re.sub(r"[^\w\- ]", "", heading.lower())
    return words.strip().replace(" ", "-")


def anchors_of(path: Path) -> set[str]:
    text = prose_of(path)
    return {slug(heading) for heading in HEADING.findall(text)} | set(ANCHOR.findall(text))


def options_of(command: Any) -> set[str]:
    return set(chain(*([*p.opts, *p.secondary_opts] for p in command.params))) | {"--help"}


def texts() -> Iterator[Path]:
    """Every text file of the repository that people write."""
    for top in ("bitmason", "docs", "examples", "hw_tests", "tests"):
        yield from (
            p for p in (ROOT / top).rglob("*") if p.is_file() and "__pycache__" not in p.parts
        )
    yield from (p for p in ROOT.iterdir() if p.is_file() and p.name != "LICENSE")


def test_generated_pages_are_current() -> None:
    done = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"run `make docs`\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_relative_links_resolve(path: Path) -> None:
    for link in LINK.findall(prose_of(path)):
        if "://" in link:
            continue
        file, _, anchor = link.partition("#")
        target = (path.parent / file).resolve() if file else path
        assert target.exists(), f"{link} leads nowhere"
        assert target.is_relative_to(ROOT), f"{link} leads out of the repository"
        assert not anchor or anchor in anchors_of(target), f"{link} names no heading"


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_prose_keeps_its_width(path: Path) -> None:
    lines = prose_of(path).splitlines()
    wide = [
        line for line in lines if len(line) > MAX_COLUMNS and not line.startswith(("|", "    "))
    ]
    assert not wide


def test_readme_names_options_that_exist() -> None:
    group: Any = typer.main.get_command(app)
    text = README.read_text(encoding="utf-8")
    known = set(chain(*(options_of(command) for command in group.commands.values())))
    assert set(OPTION.findall(text)) <= known
    for name, arguments in COMMAND.findall(text):
        assert set(OPTION.findall(arguments)) <= options_of(group.commands[name]), name


def test_readme_python_runs_and_prints_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(
        r"^```python\n(.*?)^```$", README.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    for block in blocks:
        exec(block, {})
    promised = re.findall(r"print\(.*\)  # (.*)", "".join(blocks))
    assert promised
    assert capsys.readouterr().out.splitlines() == promised
    assert (tmp_path / "tfc" / "manifest.json").is_file()


@pytest.mark.parametrize("path", RECORDS, ids=name_of)
def test_decision_records_are_short_and_complete(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_RECORD_LINES
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert text.startswith(f"# {path.name[:4]}: ")


def test_decision_records_are_numbered_and_listed() -> None:
    numbers = [int(path.name[:4]) for path in RECORDS]
    assert numbers == list(range(1, len(RECORDS) + 1))
    listed = LINK.findall((ROOT / "docs" / "adr" / "README.md").read_text(encoding="utf-8"))
    assert listed == [path.name for path in RECORDS]


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = []
    for path in texts():
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # models and arrays
        if MACHINE_PATHS.search(text) or any(registry in text for registry in REGISTRIES):
            found.append(name_of(path))
    assert not found
