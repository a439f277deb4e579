"""Verbs that find patches and change them: match, recommend."""

from __future__ import annotations

from pathlib import Path

from timbrel.cli.arguments import Count, Json, Out, Patience, Pitch, Seconds, Seed
from timbrel.cli.output import progress_bar, say_json, say_note, say_paths


def match(
    sound: Path,
    *,
    synth: str | None = None,
    model: str | None = None,
    bank: tuple[str, ...] = (),
    seconds: Patience = 10.0,
    count: Count = 3,
    pitch: Pitch | None = None,
    seed: Seed = 0,
    no_feedback: bool = False,
    ask: bool = False,
    out: Out = None,
    json: Json = False,
) -> None:
    """The synthesizer patch behind a sound: guessed, rendered, compared, refined.

    Args:
        sound: One note or stroke, as a sound file.
        synth: Whose patch: subtractive, amsynth, vital, or the path of a plug-in; otherwise the
            model's, or subtractive.
        model: What has learned the synthesizer; preset-SYNTH otherwise, if there is one.
        bank: Files of patches to look among too, or `factory` for those that come with the
            synthesizer; they are heard once, and what was heard is kept.
        seconds: Time for the search; 0 takes the nearest of the network's answers.
        count: How many patches.
        pitch: The key that plays it; found by listening otherwise.
        seed: Of what the search tries.
        no_feedback: Leave out what you said of patches (`timbrel data presets rate`).
        ask: Name the patch whose rating would teach most.
    """
    from timbrel.cli.patches.matching import MatchWishes, match_sound

    wishes = MatchWishes(synth, model, bank, seconds, count, pitch, seed, not no_feedback, ask)
    with progress_bar("matching") as progress:
        made = match_sound(sound, wishes, out, progress)
    for line in made.remarks:
        say_note(line)
    return say_json(made.figures) if json else say_paths(made.paths)


def recommend(
    patch: Path,
    wish: str,
    *,
    model: str | None = None,
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
