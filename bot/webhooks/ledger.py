"""What webhooks were told, or could not be: seen, told again, and tried out by people."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from time import monotonic
from typing import Any

import httpx
from sqlmodel import Session

from bot.channels.webhook import Answer, Endpoint
from bot.core.clock import now
from bot.core.errors import XiaoerError
from bot.core.ids import token
from bot.core.messages import Progress
from bot.webhook_settings import Webhook
from bot.webhooks.telling import USEFUL
from storage.models import errands
from storage.models.errands import Errand

FAILED = (Progress.FAILED, Progress.UNCERTAIN)
"""The states in which nothing more happens by itself, and nothing was told."""
AGAIN = (Progress.QUEUED, Progress.SENT, *FAILED)
"""What can be told again; what waits for its next try, at once."""
TEST = "webhook.test"
"""The type of the event that tries a webhook out."""


class NotTold(XiaoerError):
    """A webhook could not be reached, or refused."""


@dataclass(frozen=True, slots=True)
class Told:
    """One event for one webhook, as it is listed. `id` is its number, `webhook_id` its name for
    whoever is told."""

    id: int
    webhook_id: str
    webhook: str
    type: str
    conversation: int
    state: str
    attempts: int
    reason: str
    created_at: datetime
    not_before: datetime | None

    @classmethod
    def of(cls, row: Errand) -> "Told":
        """What the row says."""
        assert row.id is not None
        return cls(
            row.id,
            str(row.details["id"]),
            row.account,
            row.kind,
            int(row.chat),
            row.state,
            row.attempts,
            row.reason,
            row.created_at,
            row.not_before if row.state == Progress.QUEUED else None,
        )

    def as_dict(self) -> dict[str, Any]:
        """For JSON; moments as ISO 8601 in UTC."""
        moments = {"created_at": self.created_at, "not_before": self.not_before}
        return asdict(self) | {name: at and at.isoformat() for name, at in moments.items()}

    def line(self) -> str:
        """For people."""
        due = f"→ {self.not_before:%Y-%m-%d %H:%M}" if self.not_before else ""
        what = f"{self.webhook}  {self.type} #{self.conversation}"
        notes = "  ".join(one for one in (f"[{self.reason}]" if self.reason else "", due) if one)
        return (
            f"{self.id:>8}  {self.created_at:%Y-%m-%d %H:%M}  {self.state:<9} {self.attempts}×  "
            f"{what}  {notes}"
        ).rstrip()


def listing(session: Session, states: Sequence[str], limit: int) -> list[Told]:
    """The newest in any of `states`."""
    return [Told.of(row) for row in errands.told(session, states, limit)]


def replay(
    session: Session,
    *,
    failed: bool = False,
    ids: Sequence[int] | None = None,
    since: datetime | None = None,
    name: str = "",
) -> int:
    """Tell again, under the ids that receivers know; returns how much.

    Only with these `ids`, of `since` or later, for the webhook `name`, what `failed`, where that is
    given.
    """
    states, until = FAILED if failed else AGAIN, now() + USEFUL
    return errands.tell_again(session, states, until, ids=ids, since=since, name=name)


async def try_out(settings: Webhook) -> str:
    """Call the webhook with an event of no meaning; what it answered. Raises `NotTold`."""
    endpoint, began = Endpoint(settings, _no_body), monotonic()
    body = {"type": TEST, "timestamp": now().isoformat(), "data": {"webhook": settings.name}}
    try:
        answer = await endpoint.call(f"msg_{token(16)}", body)
    except (httpx.HTTPError, TimeoutError, OSError) as error:
        reason = f"{type(error).__name__}: {error}".rstrip(": ")
        raise NotTold(
            f"{settings.url} 没有应答：{reason}", f"{settings.url} does not answer: {reason}"
        ) from error
    finally:
        await endpoint.close()
    return _judged(settings, answer, monotonic() - began)


def _judged(settings: Webhook, answer: Answer, seconds: float) -> str:
    if not answer.is_success:
        raise NotTold(
            f"{settings.url} 拒绝了：{answer.status}（应为 2xx）。请核对地址和密钥。",
            f"{settings.url} refuses: {answer.status}, not 2xx. Check the address and the secret.",
        )
    return f"{settings.url}: {answer.status}, {seconds * 1000:.0f} ms"


async def _no_body(kind: str, details: Any) -> dict[str, Any]:
    raise NotImplementedError(kind, details)
