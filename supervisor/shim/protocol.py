"""What goes between the supervisor, the fork server, the shims and PID 1, and by which names they know each other."""

import signal
import struct

INIT_NAME = "orbit-init"
SHIM_NAME = "orbit-shim"
SPAWNER_NAME = "orbit-spawner"
STOPPING = signal.SIGURG
"""From the supervisor to PID 1, again and again while it stops: it does not hang. Others take no notice of it."""

LENGTH = struct.Struct("!I")
"""Before each request to the fork server: the length of its JSON."""
PID = struct.Struct("!I")
"""The first thing that a shim says: its process number; 0, and then an error, if there could be none."""
KEEP = b"k"
"""To a shim: from now on live on when the supervisor goes. Only once it is on record where it can be found."""
EXEC_FAILED = 127
"""A shim's status if its command could not be started, as a shell has it."""
