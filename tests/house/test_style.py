"""What a linter cannot see: names, sizes, and what must never be in the sources."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted((ROOT / "src").rglob("*.py"))
PROGRAMS = sorted(
    path for folder in ("bench", "docs", "examples") for path in (ROOT / folder).glob("*.py")
)
TEXTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "Makefile", ROOT / ".ci/run"]

SAY_NOTHING = {"util", "utils", "helper", "helpers", "common", "misc", "manager", "handler"}
ABBREVIATED = {"sr", "fs", "sampling_rate", "fft_size", "num_mels", "midi2hz", "vel", "dur"}
UNSAFE = {"eval", "exec", "os.system", "joblib.load", "np.load", "numpy.load", "yaml.load"}
PICKLES = {"pickle", "dill", "cloudpickle", "shelve"}


@pytest.fixture(scope="module")
def trees() -> dict[str, ast.Module]:
    files = [*SOURCES, *PROGRAMS]
    return {str(p.relative_to(ROOT)): ast.parse(p.read_text(encoding="utf-8")) for p in files}


def functions(trees: dict[str, ast.Module]) -> Iterator[tuple[str, ast.FunctionDef]]:
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                yield f"{path}: {node.name}", node


def test_rooms_have_names_of_their_own(trees: dict[str, ast.Module]) -> None:
    assert [path for path in trees if SAY_NOTHING & set(re.split(r"[/.]", path))] == []


def test_files_stay_readable() -> None:
    sizes = {p.name: p.read_text(encoding="utf-8").count("\n") for p in [*SOURCES, *PROGRAMS]}
    assert {name: size for name, size in sizes.items() if size > 400} == {}


def test_functions_stay_readable(trees: dict[str, ast.Module]) -> None:
    long = {}
    for where, node in functions(trees):
        documented = (ast.get_docstring(node) or "").count("\n")
        size = (node.end_lineno or 0) - node.lineno + 1 - documented
        if size > 45:
            long[where] = size
    assert long == {}


def test_modules_open_with_what_they_are(trees: dict[str, ast.Module]) -> None:
    assert [path for path, tree in trees.items() if not ast.get_docstring(tree)] == []


def test_parameters_are_spelt_out(trees: dict[str, ast.Module]) -> None:
    short = {
        where: names
        for where, node in functions(trees)
        if (names := {a.arg for a in ast.walk(node) if isinstance(a, ast.arg)} & ABBREVIATED)
    }
    assert short == {}


def test_nothing_unsafe_is_loaded(trees: dict[str, ast.Module]) -> None:
    """No pickle is read, from anyone, and no text becomes code."""
    unsafe = []
    for path, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                weights_only = any(
                    k.arg == "weights_only" and ast.unparse(k.value) == "True"
                    for k in node.keywords
                )
                if name in UNSAFE or (name == "torch.load" and not weights_only):
                    unsafe.append(f"{path}:{node.lineno} {name}")
            elif isinstance(node, ast.Import) and PICKLES & {a.name for a in node.names}:
                unsafe.append(f"{path}:{node.lineno} {ast.unparse(node)}")
    assert unsafe == []


def test_nothing_is_left_open() -> None:
    left = re.compile(r"\b(TODO|FIXME|XXX)\b|raise NotImplementedError")
    found = [p.name for p in [*SOURCES, *PROGRAMS] if left.search(p.read_text(encoding="utf-8"))]
    assert found == []


def test_no_path_of_one_machine_is_told() -> None:
    home = re.compile(r"/(home|Users|root|work)/\w+")
    files = [*SOURCES, *PROGRAMS, *TEXTS]
    assert [p.name for p in files if home.search(p.read_text(encoding="utf-8"))] == []


@pytest.mark.slow
def test_playing_needs_neither_training_nor_data() -> None:
    """timbrel and an instrument load without the rooms that only training needs."""
    program = (
        "import sys, timbrel; timbrel.load('mel_vae'); "
        "print([m for m in sys.modules if m.startswith(('timbrel.training', 'timbrel.data'))])"
    )
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
