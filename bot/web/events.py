"""POST /api/v1/events: where the shop's system tells what happened."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ValidationError
from sqlmodel import Session

from bot.config import ApiKey
from bot.core import metrics
from bot.core.errors import Unavailable
from bot.customers import consent
from bot.inbox.admission import Admission
from bot.inbox.bodies import body_of
from bot.logistics.parcels import Step, apply_step
from bot.logistics.status import Status
from bot.shop.events import (
    EVENTS,
    CustomerEvent,
    OrderEvent,
    ParcelEvent,
    ProductEvent,
    ShopEvent,
)
from bot.shop.orders import apply_customer, apply_order
from bot.shop.products import apply_product
from bot.web import problems
from bot.web.keys import Bearer, key_for
from bot.web.problems import ProblemError
from storage.db import Database
from storage.models.inbound import take

MAX_BYTES = 256 * 1024
SOURCE = "events"
_TYPES = frozenset(
    {
        "order.created", "order.paid", "order.shipped", "order.cancelled", "order.refunded",
        "parcel.update", "customer.updated", "product.updated",
    }
)  # fmt: skip
_EXAMPLES: dict[str, Any] = {
    "order.shipped": {
        "summary": "An order was sent",
        "value": {
            "id": "evt-1001",
            "type": "order.shipped",
            "occurred_at": "2025-03-05T10:30:00+08:00",
            "data": {
                "order_id": "XE20250305",
                "customer": {
                    "id": "c-88", "name": "林小满", "phone": "13800008888", "language": "zh",
                },
                "items": [{"sku": "SCARF-1", "name": "羊毛围巾", "quantity": 2, "price": 99.5}],
                "amount": 199,
                "currency": "CNY",
                "carrier": "顺丰速运",
                "tracking_number": "SF1234567890",
                "address": {"city": "杭州", "region": "浙江", "country": "CN"},
            },
        },
    },
    "parcel.update": {
        "summary": "A parcel moved",
        "value": {
            "id": "evt-1002",
            "type": "parcel.update",
            "occurred_at": "2025-03-06T08:00:00+08:00",
            "data": {
                "tracking_number": "SF1234567890",
                "status": "arrived_city",
                "text": "快件已到达杭州",
                "place": "杭州",
                "at": "2025-03-06T07:45:00+08:00",
            },
        },
    },
    "customer.updated": {
        "summary": "A customer's data changed",
        "value": {
            "id": "evt-1003",
            "type": "customer.updated",
            "occurred_at": "2025-03-06T09:00:00+08:00",
            "data": {
                "customer": {
                    "id": "c-88", "birthday": "1995-05-20", "tags": ["vip"],
                    "timezone": "Asia/Shanghai",
                    "consents": [
                        {
                            "purpose": "marketing", "channel": "telegram", "given": True,
                            "wording": "结账时勾选",
                            "at": "2025-03-06T08:59:00+08:00",
                        }
                    ],
                }
            },
        },
    },
    "product.updated": {
        "summary": "A product is new or changed",
        "value": {
            "id": "evt-1004",
            "type": "product.updated",
            "occurred_at": "2025-03-06T10:00:00+08:00",
            "data": {
                "sku": "SCARF-1",
                "name": "羊毛围巾",
                "url": "https://shop.example/scarf",
                "price": 99.5,
                "currency": "CNY",
                "stock": 12,
                "attributes": {"material": "100% 羊毛", "care": "冷水手洗"},
            },
        },
    },
}  # fmt: skip


class Taken(BaseModel):
    """The event has taken effect: now, or when it came the first time."""

    id: str
    status: Literal["accepted", "repeated"]


def take_event(session: Session, event: ShopEvent) -> bool:
    """Let an event take effect, once: False when its id was taken before."""
    if take(session, SOURCE, event.id) is None:
        return False
    match event:
        case OrderEvent():
            apply_order(session, event)
        case ParcelEvent():
            apply_step(session, _step(event))
        case CustomerEvent():
            customer = apply_customer(session, event)
            consent.told_by_shop(session, customer, event.data.customer.consents or ())
        case ProductEvent():
            apply_product(session, event)
    return True


def events_router(
    db: Database, keys: Sequence[ApiKey], admission: Admission | None = None
) -> APIRouter:
    """The route, for callers with one of `keys` that has the scope `events`."""
    door = admission or Admission()
    router = APIRouter(prefix="/api/v1", tags=["events"])
    check = key_for(keys, "events")

    @router.post(
        "/events",
        status_code=202,
        summary="Tell what happened",
        response_model=Taken,
        responses=_responses(),
        openapi_extra={"requestBody": _request_body()},
    )
    async def post_event(request: Request, bearer: Bearer) -> Response:
        """Takes one event. 202 comes after it has been stored and has taken effect.

        Send it again with the same `id` whenever the answer did not reach you: it takes effect
        once. Events may come late and in any order; the newest `occurred_at` decides.
        """
        try:
            check(bearer)
            event = _parsed(await _body(request))
            with door.enter():
                accepted = await db.transact(take_event, event)
        except ProblemError as problem:
            return problem.response()
        except Unavailable as error:
            return problems.unavailable(error).response()
        if accepted:
            metrics.EVENTS.labels(event.type).inc()
        taken = Taken(id=event.id, status="accepted" if accepted else "repeated")
        return JSONResponse(taken.model_dump(), status_code=202 if accepted else 200)

    return router


def _step(event: ParcelEvent) -> Step:
    data = event.data
    return Step(
        status=Status(data.status),
        at=data.at or event.occurred_at,
        order_number=data.order_id,
        tracking_number=data.tracking_number,
        carrier=data.carrier or "",
        text=data.text or "",
        place=data.place or "",
    )


async def _body(request: Request) -> bytes:
    """The body, read no further than the limit."""
    body = await body_of(request.stream(), MAX_BYTES)
    if body is None:
        raise ProblemError(413, "Too large", f"An event has at most {MAX_BYTES} bytes.")
    return body


def _parsed(body: bytes) -> ShopEvent:
    try:
        return EVENTS.validate_json(body)
    except ValidationError as error:
        raise problems.invalid(error, _TYPES) from error


def _responses() -> dict[int | str, dict[str, Any]]:
    again = {"description": "This id was taken before; nothing changed.", "model": Taken}
    return {
        202: {"description": "Stored, and in effect."},
        200: again,
        **problems.documented(
            _401="No key, or an unknown one.",
            _403="The key lacks the scope `events`.",
            _413="The body is larger than 256 kB.",
            _422="Not JSON, or not as documented; `errors` names each field.",
            _503="It cannot be taken just now: send it again after `Retry-After`.",
        ),
    }


@cache
def _request_body() -> dict[str, Any]:
    schema = EVENTS.json_schema()
    definitions = schema.pop("$defs")
    schema.pop("discriminator")
    content = {"schema": _inline(schema, definitions), "examples": _EXAMPLES}
    return {"required": True, "content": {"application/json": content}}


def _inline(schema: Any, definitions: dict[str, Any]) -> Any:
    """The schema with its references filled in: a router cannot add to OpenAPI's components."""
    if isinstance(schema, list):
        return [_inline(one, definitions) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        rest = {key: value for key, value in schema.items() if key != "$ref"}
        return {**_inline(definitions[name], definitions), **rest}
    return {key: _inline(value, definitions) for key, value in schema.items()}
