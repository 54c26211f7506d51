"""Routes that answer every expected error as problem+json."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from bot.core.errors import NotAllowed, NotFound, Unavailable, XiaoerError
from bot.web import problems
from bot.web.problems import FieldError, ProblemError


class ProblemRoute(APIRoute):
    """Answers every expected error as problem+json."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with expected errors turned into answers."""
        handle = super().get_route_handler()

        async def handler(request: Request) -> Response:
            try:
                return await handle(request)
            except (ProblemError, RequestValidationError, XiaoerError) as error:
                return _problem(error, request).response()

        return handler


def _problem(
    error: ProblemError | RequestValidationError | XiaoerError, request: Request
) -> ProblemError:
    if isinstance(error, ProblemError):
        return error
    if isinstance(error, RequestValidationError):
        return _invalid(error)
    if isinstance(error, Unavailable):
        return problems.unavailable(error)
    language = "zh" if request.headers.get("accept-language", "").startswith("zh") else "en"
    if isinstance(error, NotFound):
        return ProblemError(404, "Not found", error.text(language))
    if isinstance(error, NotAllowed):
        return ProblemError(409, "Not now", error.text(language))
    raise error


def _invalid(error: RequestValidationError) -> ProblemError:
    errors = [
        FieldError(field=".".join(str(part) for part in one["loc"]), message=one["msg"])
        for one in error.errors()
    ]
    return ProblemError(
        422, "Not valid", "The request is not as documented; `errors` names each field.", errors
    )
