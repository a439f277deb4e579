"""What a set of patches holds, as plain figures."""

from __future__ import annotations

from typing import Any

from timbrel.data.presets.building import PresetReport
from timbrel.data.presets.categories import Categories


def preset_figures(report: PresetReport) -> dict[str, Any]:
    """Counts by split, origin and category, and how well sounds were sorted."""
    return {
        "folder": report.folder,
        **{f"patches_{split}": count for split, count in report.patches.items()},
        **{f"{origin}": count for origin, count in report.origins.items()},
        **_category_figures(report.categories),
        "notes": report.notes,
        "silent": report.silent,
    }


def _category_figures(categories: Categories) -> dict[str, Any]:
    """Their balance, who says so, and how well sounds are sorted."""
    trial = categories.trial.figures if categories.trial else {}
    return {
        **{f"category_{name}": count for name, count in sorted(categories.balance.items())},
        **{f"categories_by_{way}": sum(count.values()) for way, count in categories.ways.items()},
        **{f"sorting_{name}": value for name, value in trial.items()},
    }
