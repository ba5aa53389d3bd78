"""What asks for updates by itself. A trigger is a file here, and a line in `loop`."""
