"""Writes the tables of figures in README.md and docs/ from bench/results: no number is typed.

A page says where a table belongs with two comments, and this program writes what stands between:

    <!-- figures: inversion -->
    <!-- end -->

`--check` writes nothing and exits with 1 where a page is not what it would write.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SLOT = re.compile(r"(<!-- figures: (?P<name>[\w.-]+) -->\n)(?P<table>.*?)(<!-- end -->)", re.DOTALL)

Figure = float | int | bool | str | None
Columns = dict[str, tuple[str, str]]


@dataclass(frozen=True)
class Table:
    """How one bench's flat keys become rows and columns.

    Attributes:
        bench: whose results.
        columns: what a key's prefix and suffix say, by heading; the longest that fits counts.
        rows: which rows are shown, as a pattern of their whole names.
    """

    bench: str
    columns: Columns = field(default_factory=lambda: {"figure": ("", "")})
    rows: str = ".*"


def _versions(end: str) -> Columns:
    return {
        "mel_vae": ("", end),
        "pitch_shift": ("", f"{end}_shifted"),
        "ceiling": ("", f"{end}_ceiling"),
        "the real note": ("", f"{end}_real"),
    }


def _rivals(prefix: str) -> Columns:
    return {
        "harmonic": (prefix, ""),
        "pitch_shift": (prefix, "_shift"),
        "mel_vae": (prefix, "_mel_vae"),
    }


def _kinds(prefix: str) -> Columns:
    return {
        "all": (prefix, ""),
        "clusters": (prefix, "_clusters"),
        "banks": (prefix, "_banks"),
        "random": (prefix, "_random"),
    }


def _matches(end: str) -> Columns:
    return {
        "network": ("", f"_network{end}"),
        "candidates": ("", f"_candidates{end}"),
        "1 s": ("", f"_1s{end}"),
        "10 s": ("", f"_10s{end}"),
        "search alone, 10 s": ("", f"_search_10s{end}"),
        "nearest": ("", f"_nearest{end}"),
        "tone matcher's": ("", f"_matcher{end}"),
        "median": ("", f"_median{end}"),
        "untouched": ("", f"_init{end}"),
    }


def _preset_tables(synth: str, ending: str) -> dict[str, Table]:
    """Tables of a model's figures; those of another than the default have an ending."""
    sound, accuracy = f"preset_sound{ending}", f"preset_accuracy{ending}"
    ends = ("", "_clusters", "_banks", "_random", "_foreign")
    return {
        f"preset-accuracy-{synth}": Table(accuracy, _kinds(f"{synth}_")),
        f"preset-switches-{synth}": Table(
            accuracy, {"network": ("switch_", ""), "majority": ("majority_", "")}
        ),
        **{
            f"preset-sound-{synth}{end.replace('_', '-')}": Table(sound, _matches(end))
            for end in ends
        },
        f"tone-matcher-{synth}": Table(
            f"tone_matcher{ending}",
            {"tone matcher": ("", ""), "MFCC": ("", "_mfcc"), "chance": ("", "_chance")},
            "recall_.*",
        ),
    }


_HEADLINES = "(log_mel_l1|mss|pitch_accuracy)_(self|other_pitch|octave_and_beyond)"
_SEEN = "(?!.*_unseen).*"

TABLES = {
    "quality": Table("mel_vae_quality", _versions(""), _SEEN),
    "quality-unseen": Table("mel_vae_quality", _versions("_unseen")),
    "headlines": Table("mel_vae_quality", _versions(""), _HEADLINES),
    "headlines-unseen": Table("mel_vae_quality", _versions("_unseen"), _HEADLINES),
    "inversion": Table(
        "inversion",
        {
            "the default": ("", ""),
            "Griffin-Lim": ("", "_griffin_lim"),
            "PGHI": ("", "_pghi"),
            "pitched": ("", "_pitched"),
            "librosa": ("", "_librosa"),
        },
    ),
    "analysis": Table(
        "analysis",
        {"resynthesis": ("", ""), "neighbour": ("", "_neighbour"), "noise": ("", "_noise")},
        "(log_mel_l1_db|mss|pitch_accuracy).*(?<!_real)",
    ),
    "transfer": Table("transfer", {"result": ("", ""), "recording": ("", "_recording")}),
    "ddsp-offline": Table("ddsp_offline", {"ddsp": ("", ""), "plain": ("", "_plain")}),
    "ddsp-live": Table("ddsp_live"),
    "ddsp-resynthesis": Table(
        "ddsp_resynthesis",
        {"ddsp": ("", ""), "plain": ("", "_plain"), "neighbour": ("", "_neighbour")},
    ),
    "unseen": Table("unseen_instruments", _rivals(""), "(?!foreign_|recordings_).*"),
    "foreign": Table("unseen_instruments", _rivals("foreign_")),
    "recordings": Table("unseen_instruments", _rivals("recordings_")),
    "durations": Table(
        "durations",
        {"harmonic": ("", ""), "a sampler's loop": ("", "_loop"), "the real note": ("", "_real")},
    ),
    "velocity": Table(
        "velocity",
        {
            "harmonic": ("", ""),
            "merely louder": ("", "_unchanged"),
            "the recording, merely louder": ("", "_recording"),
            "the real note": ("", "_real"),
        },
    ),
    "harmonic-speed": Table(
        "harmonic_speed",
        {
            "harmonic": ("", ""),
            "mel_vae": ("", "_mel_vae"),
            "synthesis alone": ("", "_compiled"),
            "synthesis in tensors": ("", "_tensors"),
        },
    ),
    "eight-notes": Table(
        "sound_pictures",
        {"ceiling": ("", "_ceiling"), **_rivals(""), "the real note": ("", "_real")},
    ),
    "morph": Table("morph", {"latent morph": ("", ""), "cross-fade": ("crossfade_", "")}),
    "directions": Table(
        "directions",
        {
            "share": ("", "_share"),
            "change": ("", "_change"),
            "pitch accuracy": ("", "_pitch_accuracy_change"),
            "judge's accuracy": ("", "_judge_accuracy"),
        },
        "(?!pitch_accuracy$).*",
    ),
    **_preset_tables("subtractive", ""),
    **_preset_tables("amsynth", ".preset-amsynth"),
    "preset-speed": Table("preset_speed"),
    "subtractive-speed": Table(
        "subtractive_speed",
        {"subtractive": ("", ""), "amsynth": ("amsynth_", ""), "plain tensors": ("torch_", "")},
    ),
}


def table(name: str) -> str:
    """A table as Markdown, with what its figures were measured by."""
    layout = TABLES.get(name, Table(name))
    path = RESULTS / f"{layout.bench}.json"
    if not path.is_file():
        bench, _, model = layout.bench.partition(".")
        words = f"bench/{bench}.py" + (f" --model {model}" if model else "")
        return f"*Not measured yet: `python {words}`.*\n"
    result = json.loads(path.read_text(encoding="utf-8"))
    rows = pivot(result["figures"], layout.columns)
    rows = {key: row for key, row in rows.items() if re.fullmatch(layout.rows, key)}
    used = [head for head in layout.columns if any(head in row for row in rows.values())]
    lines = ["| | " + " | ".join(used) + " |", "|---|" + "---:|" * len(used)]
    for key, row in rows.items():
        cells = (shown(row[head]) if head in row else "" for head in used)
        lines.append(f"| `{key}` | " + " | ".join(cells) + " |")
    return "\n".join(lines) + f"\n\n<small>{source(result)}</small>\n"


def source(result: dict[str, Any]) -> str:
    """What was run, when and where, in one line."""
    threads = f"{result['threads']} thread" + "s" * (result["threads"] != 1)
    return (
        f"`{result['command']}`, {result['date']}, commit {result['commit']}; "
        f"{result['machine']}; {threads}."
    )


def pivot(figures: dict[str, Figure], columns: Columns) -> dict[str, dict[str, Figure]]:
    """Flat keys as rows: what is left of a key without its column's prefix and suffix."""
    longest_first = sorted(columns.items(), key=lambda item: -len("".join(item[1])))
    rows: dict[str, dict[str, Figure]] = {}
    for key, value in figures.items():
        for head, (prefix, suffix) in longest_first:
            if key.startswith(prefix) and key.endswith(suffix):
                base = key[len(prefix) : len(key) - len(suffix)]
                rows.setdefault(base, {})[head] = value
                break
    return rows


def shown(value: Figure) -> str:
    """A figure as a reader wants it: three digits that count.

    >>> shown(0.95713), shown(12.345), shown(10040), shown(None)
    ('0.957', '12.3', '10,040', '-')
    """
    if value is None:
        return "-"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value and abs(value) < 0.1 else f"{value:#.3g}".rstrip(".")


def written(page: str) -> str:
    """A page with each of its tables written anew."""
    return SLOT.sub(lambda slot: slot[1] + "\n" + table(slot["name"]) + slot[4], page)


def main() -> int:
    """Write the pages, or with `--check` name those that are out of date."""
    stale = [p for p in PAGES if written(text := p.read_text(encoding="utf-8")) != text]
    for page in stale:
        print(f"{page.relative_to(ROOT)}: tables are out of date", file=sys.stderr)
        if "--check" not in sys.argv:
            page.write_text(written(page.read_text(encoding="utf-8")), encoding="utf-8")
    return int(bool(stale) and "--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
