"""What the sources import is declared, and everything that is installed is pinned."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CORE = PROJECT["project"]["dependencies"]
EXTRAS = PROJECT["project"]["optional-dependencies"].values()
GROUPS = PROJECT["dependency-groups"].values()


def names(*lists: list[object]) -> set[str]:
    """The packages that lists of requirements name; an included group names none."""
    texts = [text for requirements in lists for text in requirements if isinstance(text, str)]
    return {normal(match[0]) for text in texts if (match := re.match(r"[\w.-]+", text))}


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def imports(folder: str) -> dict[str, str]:
    """Packages that a folder's programs import from elsewhere, and where."""
    found = {}
    for path in (ROOT / folder).rglob("*.py"):
        # a program that is started by its path imports what lies beside it
        is_program = path.stem == "__main__"
        beside = {other.stem for other in path.parent.glob("*.py")} if is_program else set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                modules = [node.module]
            for module in set(modules) - beside:
                found[module.partition(".")[0]] = str(path.relative_to(ROOT))
    shared = {path.stem for path in (ROOT / folder).glob("_*.py")}
    own = {"timbrel", *shared, *sys.stdlib_module_names}
    return {package: where for package, where in found.items() if package not in own}


def undeclared(folder: str, declared: set[str]) -> dict[str, str]:
    known = packages_distributions()
    return {
        package: where
        for package, where in imports(folder).items()
        if not declared & {normal(name) for name in known.get(package, [package])}
    }


def test_sources_import_what_is_declared() -> None:
    assert undeclared("src", names(CORE, *EXTRAS)) == {}


@pytest.mark.parametrize("folder", ["bench", "docs", "examples"])
def test_programs_import_what_is_declared(folder: str) -> None:
    assert undeclared(folder, names(CORE, *EXTRAS, *GROUPS)) == {}


def test_everything_declared_is_used() -> None:
    known = packages_distributions()
    used = {normal(name) for package in imports("src") for name in known.get(package, [])}
    assert names(CORE) - used == set()


def test_everything_declared_is_pinned_exactly() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert [pin for pin in pins if not re.fullmatch(r"[\w.-]+==[\w.]+", pin)] == []
    pinned = {normal(pin.partition("==")[0]) for pin in pins}
    assert names(CORE, *EXTRAS, *GROUPS) - pinned == set()
