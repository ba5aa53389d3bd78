from setuptools import setup

setup(name="shapes")
