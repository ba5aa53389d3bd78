from setuptools import setup

setup(name="shop", install_requires=["flask>=2", "gunicorn"])
