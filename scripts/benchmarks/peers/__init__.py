"""Orbit, and the process managers that it is compared with, each keeping the same program up."""

from peers.circus import Circus
from peers.manager import Manager
from peers.orbit import Orbit
from peers.pm2 import Pm2
from peers.supervisord import Supervisord

MANAGERS: tuple[type[Manager], ...] = (Supervisord, Circus, Pm2, Orbit)
