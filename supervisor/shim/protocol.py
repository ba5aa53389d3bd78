"""What goes over the sockets between the supervisor, the fork server and the shims."""

import struct

LENGTH = struct.Struct("!I")
"""Before each request to the fork server: the length of its JSON."""
PID = struct.Struct("!I")
"""The first thing that a shim says: its process number; 0, and then an error, if there could be none."""
KEEP = b"k"
"""To a shim: from now on live on when the supervisor goes. Only once it is on record where it can be found."""
EXEC_FAILED = 127
"""A shim's status if its command could not be started, as a shell has it."""
