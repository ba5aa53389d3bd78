from fastapi import FastAPI
from src.routes import router

api = FastAPI()
api.include_router(router)
