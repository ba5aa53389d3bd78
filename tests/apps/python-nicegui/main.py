import os

from nicegui import ui

ui.run(port=int(os.environ["PORT"]))
