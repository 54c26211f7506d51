"""Routes that answer every expected error as problem+json."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from bot.core.errors import (
    Language,
    NotAllowed,
    NotFound,
    TooLarge,
    Unavailable,
    WrongKind,
    XiaoerError,
)
from bot.web import problems
from bot.web.problems import FieldError, ProblemError, field_name

_STATUS: dict[type[XiaoerError], tuple[int, str]] = {
    NotFound: (404, "Not found"),
    TooLarge: (413, "Too large"),
    WrongKind: (415, "Not taken"),
    NotAllowed: (409, "Not now"),
}
"""What people are told, as status and title; the more special error first."""


class ProblemRoute(APIRoute):
    """Answers every expected error as problem+json."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with expected errors turned into answers."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(request)
            except (ProblemError, RequestValidationError, HTTPException, XiaoerError) as error:
                return _problem(error, request).response()

        return handler


def reader_language(request: Request) -> Language:
    """The language of whoever reads what we say to this request."""
    return "zh" if request.headers.get("accept-language", "").startswith("zh") else "en"


def _problem(
    error: ProblemError | RequestValidationError | HTTPException | XiaoerError, request: Request
) -> ProblemError:
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, HTTPException):  # a body that cannot even be read
        return ProblemError(422, "Not valid", str(error.detail))
    if isinstance(error, Unavailable):
        return problems.unavailable(error)
    for kind, (status, title) in _STATUS.items():
        if isinstance(error, kind):
            return ProblemError(status, title, error.text(reader_language(request)))
    raise error


def _invalid(error: RequestValidationError) -> ProblemError:
    errors = [
        FieldError(field=field_name(one["loc"]), message=one["msg"]) for one in error.errors()
    ]
    return ProblemError(
        422, "Not valid", "The request is not as documented; `errors` names each field.", errors
    )
