"""Errors of the HTTP API as problem+json (RFC 9457)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field, ValidationError

from bot.core.errors import Unavailable
from bot.core.text import storable

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """What is wrong with one field; `field` is its path, such as `data.items.0.price`."""

    field: str
    message: str


class Problem(BaseModel):
    """What went wrong and what to do about it."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] = Field(default_factory=list)


class ProblemError(Exception):
    """Ends a request with a problem; `response()` is what to answer."""

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(title=title, status=status, detail=detail, errors=list(errors))
        self.headers = headers

    def response(self) -> JSONResponse:
        """The answer as problem+json."""
        return JSONResponse(
            self.problem.model_dump(),
            status_code=self.problem.status,
            media_type=MEDIA_TYPE,
            headers=self.headers,
        )


def invalid(error: ValidationError, tags: frozenset[str] = frozenset()) -> ProblemError:
    """The 422 of a body that is not as documented; what was sent is not repeated.

    `tags` are the names that pydantic puts into a path to say which kind it tried.
    """
    errors = [
        FieldError(
            field=field_name(part for part in one["loc"] if part not in tags), message=one["msg"]
        )
        for one in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return ProblemError(
        422, "Not valid", "The body is not as documented; `errors` names each field.", errors
    )


def field_name(path: Iterable[object]) -> str:
    """A field's path as it is shown; whoever sent it may have made parts of it up."""
    return storable(".".join(str(part) for part in path))


def unavailable(error: Unavailable) -> ProblemError:
    """The 503 of a database that cannot serve just now, or of too many who wait."""
    headers = {"Retry-After": str(error.retry_after)}
    return ProblemError(503, "Try again later", str(error), headers=headers)


def documented(**descriptions: str) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries for problems, by status: `documented(_401="No or an unknown key")`."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schema["properties"]["errors"]["items"] = FieldError.model_json_schema()
    schema.pop("$defs", None)
    return {
        int(status.removeprefix("_")): {
            "description": text,
            "content": {MEDIA_TYPE: {"schema": schema}},
        }
        for status, text in descriptions.items()
    }
