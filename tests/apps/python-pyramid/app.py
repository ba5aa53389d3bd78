from pyramid.config import Configurator

config = Configurator()
app = config.make_wsgi_app()
