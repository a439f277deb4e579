"""Plug-ins in child processes, where a crash, a hang or a NaN costs one render and one line.

host     a few children that share the work of one plug-in
worker   one child, as its parent sees it
hosted   a synthesizer that lives there
child    the program that children run; it knows nothing of timbrel
"""

from timbrel.synths.hosting.host import Host
from timbrel.synths.hosting.hosted import HostedSynth

__all__ = ["Host", "HostedSynth"]
