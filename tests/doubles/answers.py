"""How a Bot API server answers."""

from typing import Any

Answer = tuple[int, dict[str, Any]]


def ok(result: Any) -> Answer:
    return 200, {"ok": True, "result": result}


def error(status: int, text: str, parameters: dict[str, Any] | None = None) -> Answer:
    extra = {"parameters": parameters} if parameters else {}
    return status, {"ok": False, "error_code": status, "description": text, **extra}


def bad(text: str) -> Answer:
    return error(400, f"Bad Request: {text}")
