import settings
from flask import Flask

app = Flask(settings.NAME)
