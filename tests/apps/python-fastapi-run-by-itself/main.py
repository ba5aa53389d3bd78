from fastapi import FastAPI
from servers import run

app = FastAPI()

if __name__ == "__main__":
    run(app)
