from robyn import Robyn

Robyn(__file__).start()
