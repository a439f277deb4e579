from __future__ import annotations

import logging
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from timbrel.cli import app as app_module
from timbrel.cli.arguments import DEFAULT_MODEL
from timbrel.errors import BadInput

VERBS = [
    "demo", "doctor", "models", "inspect", "encode", "morph", "blend", "generate", "render", "data",
    "train", "evaluate",
]  # fmt: skip


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_help_names_every_verb_and_imports_nothing_heavy() -> None:
    done = python("""
        import sys
        from timbrel.cli.app import run
        code = run(["--help"])
        heavy = {"torch", "numpy", "librosa", "matplotlib", "scipy", "soundfile", "pydantic"}
        print("loaded:", sorted(heavy & set(sys.modules)), file=sys.stderr)
        sys.exit(code)
    """)
    assert done.returncode == 0
    assert done.stderr == "loaded: []\n"
    for verb in VERBS:
        assert f" {verb} " in done.stdout


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_each_verb(timbrel: Any, verb: str) -> None:
    ran = timbrel(verb, "--help")
    assert ran.code == 0
    assert ran.err == []
    assert ran.out[0].startswith(f"Usage: timbrel {verb}")


@pytest.mark.parametrize(("is_terminal", "err"), [(True, "timbrel: compiling\n"), (False, "")])
def test_people_are_told_that_something_is_compiled(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    is_terminal: bool,
    err: str,
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal)
    logging.getLogger("timbrel.dsp.compiling").info("compiling")
    assert capsys.readouterr().err == err


def test_importing_timbrel_is_light() -> None:
    done = python("""
        import sys
        import timbrel
        assert timbrel.TimbrelError.__name__ == "TimbrelError"
        print(sorted({"torch", "numpy", "librosa"} & set(sys.modules)))
    """)
    assert done.stdout == "[]\n", done.stderr


def test_version(timbrel: Any) -> None:
    import timbrel as package

    assert timbrel("--version").out == [package.__version__]


@pytest.mark.parametrize(
    ("tokens", "line"),
    [
        (["mrph"], 'Unknown command "mrph". Did you mean "morph"?'),
        (["morph", "a", "b", "--alhpa", "1"], "Unknown option: --alhpa."),
        (
            ["morph", "a", "b", "--alpha", "x"],
            "--alpha: 'x': wanted a number from 0 to 1, such",
        ),
        (["morph", "a", "b", "--alpha", "nan"], "--alpha: 'nan': wanted a number from 0 to 1"),
        (["morph", "a", "b", "--alpha", "1.5"], "--alpha: '1.5': wanted a number from 0"),
        (["morph", "a", "b", "--pitch", "H9"], "'H9' is no pitch: wanted a MIDI number 0 to 127"),
        (["morph", "a", "b", "--grid", "9"], "'9' is no grid: wanted COLUMNSxROWS"),
        (["morph", "a", "b", "--weights", "0,0"], "'0,0': wanted numbers of 0 or more"),
        (["morph", "a", "b", "--duration", "0"], "--duration: '0': wanted a number"),
        (["blend"], "requires an argument"),
        (
            ["generate", "--count", "0"],
            "--count: '0': wanted a whole number from 1 to 256",
        ),
        (["generate", "--seed", "-1"], "--seed: '-1': wanted a whole number from 0 to 92233720"),
        (["generate", "--seed", "nan"], "--seed: 'nan': wanted a whole number"),
        (["generate", "--seed", "1.5"], "--seed: '1.5': wanted a whole number"),
        (["generate", "--velocity", "1e400"], "--velocity: '1e400': wanted a number"),
        (["generate", "--duration", "-0"], "--duration: '-0': wanted a number"),
        (["morph", "a", "b", "--steps", ""], "--steps: an empty word"),
        (["morph", "a", "b", "--steps", "9" * 5000], "wanted a whole number from 1 to 256"),
        (["encode", "a", "--seconds", "inf"], "--seconds: 'inf': wanted a number from 0 to 600"),
        (["data", "folder", "--processes", "words"], "--processes: 'words': wanted a whole"),
    ],
)
def test_words_that_cannot_be_parsed(timbrel: Any, tokens: list[str], line: str) -> None:
    ran = timbrel(*tokens)
    assert (ran.code, ran.out, len(ran.err)) == (2, [], 1)
    assert line in ran.err[0]


@pytest.mark.parametrize(
    ("tokens", "line"),
    [
        (["blend", "a.wav", "--out", ""], "timbrel: --out: an empty word (a variable that"),
        (["blend", "a.wav", "--out="], "timbrel: --out: an empty word"),
        (["inspect", ""], "timbrel: an empty word"),
        ([""], "timbrel: an empty word"),
    ],
)
def test_an_empty_word_is_no_path(timbrel: Any, tokens: list[str], line: str) -> None:
    ran = timbrel(*tokens)
    assert (ran.code, ran.out, len(ran.err)) == (2, [], 1)
    assert ran.err[0].startswith(line)
    assert ran.err[0].endswith("give one, or leave it out")


def failing(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(app_module, "app", fail)


@pytest.mark.parametrize(
    ("error", "code", "err"),
    [
        (BadInput("[red]one\nline[/red]"), 2, ["timbrel: [red]one line[/red]"]),
        (KeyboardInterrupt(), 130, ["timbrel: interrupted"]),
        (
            PermissionError(13, "Not permitted", "x.wav"), 2,
            ["timbrel: x.wav cannot be used (Not permitted): check the path and its permissions"],
        ),
    ],
)  # fmt: skip
def test_how_runs_end(
    timbrel: Any, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, err: list[str]
) -> None:  # fmt: skip
    failing(error, monkeypatch)
    ran = timbrel("models")
    assert (ran.code, ran.err) == (code, err)


@pytest.mark.parametrize("error", [ValueError("a bug"), OSError("no file in it")])
def test_bugs_are_not_hidden(
    timbrel: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    failing(error, monkeypatch)
    with pytest.raises(type(error), match=str(error)):
        timbrel("models")


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    line = f'{sys.executable} -m timbrel models sine --help | true; echo "${{PIPESTATUS[0]}}"'
    done = subprocess.run(
        ["bash", "-c", line], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stderr == ""
    assert done.stdout.strip() in {"0", "1", "141"}


def test_the_default_model_is_the_registry_s() -> None:
    from timbrel.instruments import DEFAULT_MODEL as REGISTERED

    assert DEFAULT_MODEL == REGISTERED
