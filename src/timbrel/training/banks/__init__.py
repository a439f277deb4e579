"""The bank that a trained model ships: named sounds, their means, and directions."""
