"""Formats of patches, as bytes: what is in them is looked at before anybody trusts it.

program     what a VST file holds: a name, and numbers or an opaque chunk
fxp         .fxp and .fxb, to programs and back
amsynth     the text of amsynth's banks
vital       .vital, JSON
readable    .toml, ours
checking    names, bounds and checksums
file_bytes  the bytes of a file, if it may be one of these
"""
