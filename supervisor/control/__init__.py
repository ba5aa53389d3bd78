"""How the outside talks to the supervisor: requests (a spool directory) and status (a file), both atomic."""
