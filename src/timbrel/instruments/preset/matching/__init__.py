"""From what a network says of a sound to the patch that comes nearest to it.

matches    guesses, rendered and compared
judging    how far sounds are from the one that is wanted
search     the evolution that goes on from the nearest
"""
