def run(app):
    print(app)
