"""The command line. Verbs are thin; whatever they do can be done from Python as well."""

from timbrel.cli.app import main

__all__ = ["main"]
