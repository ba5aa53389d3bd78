from flask import Flask


def create_app(name):
    return Flask(name)
