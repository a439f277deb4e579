"""timbrel: notes and a timbre go in; audio comes out."""

from importlib.metadata import version

__version__ = version("timbrel")
