"""Who calls the HTTP API: bearer keys and their scopes."""

import hmac
from collections.abc import Callable, Sequence
from typing import Annotated

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from bot.config import ApiKey, Scope
from bot.web.problems import ProblemError

Bearer = Annotated[
    HTTPAuthorizationCredentials | None,
    Depends(HTTPBearer(auto_error=False, description="An API key of this installation.")),
]


def key_for(
    keys: Sequence[ApiKey], scope: Scope
) -> Callable[[HTTPAuthorizationCredentials | None], ApiKey]:
    """A check that gives the caller's key, or raises the 401 or 403 `ProblemError`."""

    def check(given: HTTPAuthorizationCredentials | None) -> ApiKey:
        found = _matching(keys, given.credentials) if given else None
        if found is None:
            raise ProblemError(
                401,
                "Who are you?",
                "Send `Authorization: Bearer <key>` with a key from [[api_keys]].",
                headers={"WWW-Authenticate": "Bearer"},
            )
        if not found.may(scope):
            raise ProblemError(
                403, "Not allowed", f"The key {found.name!r} lacks the scope {scope!r}."
            )
        return found

    return check


def _matching(keys: Sequence[ApiKey], given: str) -> ApiKey | None:
    """Compare with every key in constant time, so that the time taken tells nothing."""
    same = [hmac.compare_digest(key.key.encode(), given.encode()) for key in keys]
    return next((key for key, equal in zip(keys, same, strict=True) if equal), None)
