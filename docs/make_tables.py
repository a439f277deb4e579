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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
SLOT = re.compile(r"(<!-- figures: (?P<name>[\w.-]+) -->\n)(?P<table>.*?)(<!-- end -->)", re.DOTALL)

Figure = float | int | bool | str | None

# What a key's prefix or suffix says, as columns: {bench: {heading: (prefix, suffix)}}. A key that
# fits no other column is of the first.
COLUMNS: dict[str, dict[str, tuple[str, str]]] = {
    "inversion": {
        "the default": ("", ""),
        "Griffin-Lim": ("", "_griffin_lim"),
        "PGHI": ("", "_pghi"),
        "pitched": ("", "_pitched"),
    },
    "mel_vae_quality": {
        "mel_vae": ("", ""),
        "pitch_shift": ("", "_shifted"),
        "mel_vae, unseen": ("", "_unseen"),
        "pitch_shift, unseen": ("", "_unseen_shifted"),
        "ceiling": ("", "_ceiling"),
        "ceiling, unseen": ("", "_unseen_ceiling"),
    },
    "morph": {"latent morph": ("", ""), "cross-fade": ("crossfade_", "")},
}


def table(name: str) -> str:
    """One bench's figures as Markdown, with what they were measured by."""
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        return f"*Not measured yet: `python bench/{name}.py`.*\n"
    result = json.loads(path.read_text(encoding="utf-8"))
    columns = COLUMNS.get(name, {"figure": ("", "")})
    rows = pivot(result["figures"], columns)
    used = [head for head in columns if any(head in row for row in rows.values())]
    lines = ["| | " + " | ".join(used) + " |", "|---|" + "---:|" * len(used)]
    for key, row in rows.items():
        cells = (shown(row[head]) if head in row else "" for head in used)
        lines.append(f"| `{key}` | " + " | ".join(cells) + " |")
    threads = f"{result['threads']} thread" + "s" * (result["threads"] != 1)
    source = f"`{result['command']}`, {result['date']}, commit {result['commit']}"
    return "\n".join(lines) + f"\n\n<small>{source}; {result['machine']}; {threads}.</small>\n"


def pivot(
    figures: dict[str, Figure], columns: dict[str, tuple[str, str]]
) -> dict[str, dict[str, Figure]]:
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
