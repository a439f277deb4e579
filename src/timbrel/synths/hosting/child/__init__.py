"""The program that child processes run, and how they and their parent talk."""
