from pathlib import Path

BASE_DIR = Path(__file__).parent
INSTALLED_APPS = ["django.contrib.staticfiles"]
STATIC_URL = "static/"
WSGI_APPLICATION = "mysite.wsgi.application"
STATIC_ROOT = BASE_DIR / "static"
