"""The verb that suggests patches: recommend."""

from __future__ import annotations

from pathlib import Path

from timbrel.cli.arguments import Count, Json, Name, Out, Pitch, Seconds, Seed
from timbrel.cli.output import say_json, say_note, say_paths


def recommend(
    patch: Path,
    wish: str,
    *,
    model: Name | None = None,
    count: Count = 3,
    pitch: Pitch = 60.0,
    duration: Seconds = 3.0,
    seed: Seed = 0,
    out: Out = None,
    json: Json = False,
) -> None:
    """Patches like one, but brighter, more percussive, or a bit softer.

    Args:
        patch: A file of one patch, or a name in the model's bank, such as garage_stack.
        wish: In words, such as "brighter, but a bit softer".
        model: What has learned the synthesizer; otherwise preset-SYNTH of the patch's, or
            preset-subtractive.
        count: How many patches, of the few dozen that are tried.
        pitch: The key by which they are heard.
        duration: How long it is held, in seconds; four are listened to.
        seed: Of what is tried.
    """
    from timbrel.cli.patches.recommending import RecommendWishes, recommend_patches

    wishes = RecommendWishes(patch, wish, model, count, pitch, duration, seed)
    made = recommend_patches(wishes, out)
    for line in made.remarks:
        say_note(line)
    return say_json(made.figures) if json else say_paths(made.paths)
