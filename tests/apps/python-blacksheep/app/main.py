from blacksheep import Application

app = Application()
