"""Rooms hear of each other within one transaction."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.core.events import Bus, Event, HandoffRequested, OrderChanged, emit


@dataclass
class Transaction:
    """As much of a session as events need."""

    info: dict[Any, Any] = field(default_factory=dict)


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def transaction(bus: Bus) -> Transaction:
    return Transaction({"bus": bus})


def test_handlers_run_at_once_in_order_with_the_senders_session(
    bus: Bus, transaction: Transaction
) -> None:
    heard: list[tuple[str, object, Event]] = []
    bus.on(OrderChanged, lambda session, event: heard.append(("first", session, event)))
    bus.on(OrderChanged, lambda session, event: heard.append(("second", session, event)))
    event = OrderChanged(7, "order.paid")
    emit(transaction, event)
    assert heard == [("first", transaction, event), ("second", transaction, event)]


def test_only_events_of_this_very_kind(bus: Bus, transaction: Transaction) -> None:
    heard: list[Event] = []
    bus.on(OrderChanged, lambda _session, event: heard.append(event))
    bus.on(Event, lambda _session, event: heard.append(event))
    emit(transaction, HandoffRequested(1, "asked"))
    assert heard == []


def test_a_failing_handler_fails_the_sender(bus: Bus, transaction: Transaction) -> None:
    heard: list[Event] = []
    bus.on(OrderChanged, lambda _session, _event: 1 / 0)
    bus.on(OrderChanged, lambda _session, event: heard.append(event))
    with pytest.raises(ZeroDivisionError):
        emit(transaction, OrderChanged(7, "order.paid"))
    assert heard == []


def test_a_handler_may_emit(bus: Bus, transaction: Transaction) -> None:
    heard: list[str] = []
    bus.on(OrderChanged, lambda session, _event: emit(session, HandoffRequested(1, "order")))
    bus.on(HandoffRequested, lambda _session, event: heard.append(event.reason))
    emit(transaction, OrderChanged(7, "order.paid"))
    assert heard == ["order"]


def test_without_a_bus_nobody_listens(bus: Bus) -> None:
    heard: list[Event] = []
    bus.on(OrderChanged, lambda _session, event: heard.append(event))
    emit(Transaction(), OrderChanged(7, "order.paid"))
    assert heard == []
