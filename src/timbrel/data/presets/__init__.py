"""Preset sets: patches of a synthesizer, and what is heard of notes that they play.

plan          which patches, which notes, which split
rendering     plan -> parts of the set, in workers
building      all of it: plan, parts, categories, report
preset_set    a set on disk, read
activity      how much each knob of a patch is heard
categories    bass, lead, pad, ... : who says it
names         what a preset's name says of its category
sounds        what its sound says
sorter        the classifier behind that
feedback      a set from what listeners said
"""
