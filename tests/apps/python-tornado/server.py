import os

import tornado.web

tornado.web.Application([]).listen(int(os.environ["PORT"]))
