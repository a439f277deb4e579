"""Note sets out of SoundFonts."""
