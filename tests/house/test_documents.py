"""What the documents show is true: their Python runs, their commands parse, their links lead on."""

from __future__ import annotations

import contextlib
import re
import runpy
import shlex
import shutil
import textwrap
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import soundfile
from cyclopts import MissingArgumentError

from timbrel.cli.app import app
from timbrel.midi import Score, ScoreNote, Track, write_score

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w+)\n(?P<code>.*?)^(?P=indent)```", re.M | re.S
)
INLINE = re.compile(r"`(timbrel [^`\n]+)`")
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
RECORDINGS = {"piano": 220.0, "flute": 440.0, "violin": 330.0, "voice": 247.0, "bell": 523.0}


class Block(NamedTuple):
    page: Path
    line: int
    language: str
    code: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(*languages: str) -> list[Block]:
    found = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            code = textwrap.dedent(match["code"])
            found.append(Block(page, line, match["language"], code))
    return [block for block in found if block.language in languages]


def commands() -> list[tuple[Block, str]]:
    """Each line of the shell blocks, and each command in running text."""
    lines = []
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for match in INLINE.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            lines.append((Block(page, line, "inline", match[1]), match[1]))
    for block in blocks("bash"):
        joined = block.code.replace("\\\n", " ")
        lines += [(block, line) for line in map(str.strip, joined.splitlines()) if line]
    return lines


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that has what the documents speak of: recordings, a song, the configs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    times = np.arange(2 * 44100) / 44100
    for name, f0_hz in RECORDINGS.items():
        partials = [np.sin(2 * np.pi * f0_hz * k * times) / k**2 for k in range(1, 9)]
        soundfile.write(f"{name}.wav", 0.3 * sum(partials) * np.exp(-times), 44100)
    shutil.copytree(ROOT / "configs", "configs")
    notes = tuple(ScoreNote(60 + step, 0.7, 0.4 * i, 0.35) for i, step in enumerate((0, 4, 7)))
    tracks = (Track("bass", 32, False, notes), Track("", 40, False, notes[1:]))
    write_score("song.mid", Score((*tracks, Track("", 0, True, notes, channel=10))))
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_python_in_documents_runs(block: Block, studio: Path) -> None:
    program = studio / "block.py"
    program.write_text(block.code, encoding="utf-8")
    runpy.run_path(str(program))


@pytest.mark.parametrize(("block", "line"), commands(), ids=lambda value: str(value)[:60])
def test_commands_in_documents_exist(block: Block, line: str) -> None:
    words = shlex.split(line, comments=True)
    if words and words[0] == "timbrel":
        # Running text may name a verb without what it needs.
        forgiven = MissingArgumentError if block.language == "inline" else ()
        with contextlib.suppress(forgiven):
            app.parse_args(words[1:], exit_on_error=False, print_error=False)
    elif words and words[0] == "make":
        makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
        assert re.search(rf"^{words[1]}:.*##", makefile, re.MULTILINE), f"no target {words[1]}"
    elif words and words[0] == "python":
        assert (ROOT / words[1]).is_file()
    else:
        assert not words or words[0] in {"git", "cd", "source", "pip", "torchrun"}, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [t for t in targets if not (page.parent / t).exists()] == []


def test_contributing_stays_short() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()) < 45


def test_the_changelog_speaks_of_this_version() -> None:
    import timbrel

    assert f"## [{timbrel.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
