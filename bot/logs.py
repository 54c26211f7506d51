"""Structured logs on standard error, without anything that customers wrote or who they are."""

import logging
import sys
from typing import Any

import structlog

_LEVEL = logging.INFO


def configure(*, pretty: bool) -> None:
    """Send all logs through one chain: readable on a terminal, JSON lines elsewhere."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Any = (
        structlog.dev.ConsoleRenderer() if pretty else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(_LEVEL),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(_LEVEL)
    # uvicorn.error tells of each web socket with its address, in which a chat's token stands.
    for noisy in ("uvicorn.access", "uvicorn.error", "watchfiles.main", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
