"""What is heard of a sound, before anything is learned of synthesizers.

heard         mels, pitch and loudness of four seconds
modulation    how fast they move
overview      a sound as a whole
descriptors   how bright, noisy, long, ... it is
target        a recording as what a patch is looked for
heard_bytes   what is heard, as it is kept on disk
"""
