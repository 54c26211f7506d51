"""Runs the service: claims the database, migrates, serves until told to stop."""

import asyncio
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn

from bot import app, logs
from bot.config import Config, refuse_published_key
from bot.core.errors import XiaoerError
from storage.db import hold
from storage.migrate import upgrade

MAX_FRAME_BYTES = 1 << 20
"""A larger web socket frame ends its connection; a merely long message is refused politely."""
GRACE_SECONDS = 10
SWITCH_SECONDS = 0.0005
"""How long a thread may compute before others get their turn: Python's own 5 ms, at each of the
dozen changes of thread on a message's way, would be felt whenever the FAQ is read anew."""


log = structlog.get_logger()


class CannotListen(XiaoerError):
    """The address is in use, or not ours."""


def serve(
    config: Config,
    *,
    pretty: bool,
    on_ready: Callable[[], None] = lambda: None,
    prepare: Callable[[app.Service], None] = lambda _service: None,
) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are finished first.

    `prepare` runs on the migrated database before anything is served, `on_ready` when the first
    question can be answered. Raises an `XiaoerError` when it cannot start: another service on
    the same SQLite file, a database from a newer version, wrong FAQ files, a port in use.
    """
    logs.configure(pretty=pretty)
    sys.setswitchinterval(SWITCH_SECONDS)
    refuse_published_key(config)
    listener = _listen(config)
    lock = hold(config.database.url)
    try:
        service = app.build(config)
        service.answerer.read()
        upgrade(service.db)
        prepare(service)
        asyncio.run(_serve(service, listener, on_ready))
    finally:
        listener.close()
        if lock is not None:
            lock.release()


async def _serve(
    service: app.Service, listener: socket.socket, on_ready: Callable[[], None]
) -> None:
    server = _Server(
        uvicorn.Config(
            app.web(service, on_ready),
            ws_max_size=MAX_FRAME_BYTES,
            timeout_graceful_shutdown=GRACE_SECONDS,
            log_config=None,
            access_log=False,
            server_header=False,
        )
    )
    host, port = listener.getsockname()[:2]
    url = service.config.web.public_url or f"http://{host}:{port}"
    log.info("listening", chat=f"{url}/chat", desk=f"{url}/desk")
    await server.serve([listener])
    log.info("stopped")


class _Server(uvicorn.Server):
    """Treats SIGTERM and SIGINT as the ordinary end of a service: exit status 0."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.handle_exit, number, None)
        yield


def _listen(config: Config) -> socket.socket:
    """Take the port before anything else, so that a second start fails at once and clearly."""
    listener = socket.socket(
        socket.AF_INET6 if ":" in config.web.host else socket.AF_INET, socket.SOCK_STREAM
    )
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((config.web.host, config.web.port))
    except OSError as error:
        listener.close()
        where = f"{config.web.host}:{config.web.port}"
        raise CannotListen(
            f"无法监听 {where}：{error.strerror}。"
            "换一个端口（[web] port；演示用 make demo PORT=…），或停掉占用它的程序。",
            f"Cannot listen on {where}: {error.strerror}. Choose another port ([web] port; for "
            "the demo: make demo PORT=…), or stop the program that uses it.",
        ) from error
    listener.listen(1024)
    return listener
