"""The chat socket alone, served by a thread of the test's own process."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from fastapi import FastAPI

from bot.channels.webchat import Sessions
from bot.dialogue.intake import Intake
from bot.web.chat_socket import ChatSocket
from bot.web.limits import RateLimit
from storage.db import Database
from tests.support.service import free_port


@contextmanager
def chat_socket(db: Database, intake: Intake, **options: Any) -> Iterator[str]:
    """The address of a chat socket that slows no chat down."""
    app = FastAPI()
    options.setdefault("limit", RateLimit(burst=10_000, per_second=1000))
    app.include_router(ChatSocket(db, intake, Sessions("secret"), ("*",), **options).router())
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"ws://127.0.0.1:{port}/chat/ws"
    server.force_exit = server.should_exit = True
    thread.join()
