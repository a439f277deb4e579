"""Live play, by keys or by a microphone."""
