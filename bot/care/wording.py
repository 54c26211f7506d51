"""Says a care message in the customer's language and the shop's voice."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from bot.care.facts import coupon_facts, facts_for
from bot.care.journeys import Journey
from bot.care.reading import Known
from bot.core.errors import traced
from bot.core.messages import Choice, Purpose
from bot.delivery import outbox
from bot.feedback import survey
from bot.words.phrases import Voice
from storage.models.care import CareMessage

_ADVERTS_LAST = timedelta(hours=24)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Wording:
    """The shop's texts; `tone` is the voice that it has chosen."""

    voice: Voice
    tone: str = "warm"

    def post(
        self,
        care: CareMessage,
        journey: Journey,
        known: Known,
        offer: Any,
        chat_id: int,
        at: datetime,
    ) -> outbox.Post | None:
        """The message to one of the customer's chats; None where it cannot be said."""
        chat = next(row for row in known.chats[care.customer_id] if row.id == chat_id)
        try:
            language, text = self.said(care, journey, known, offer, chat)
        except Exception as error:
            log.error("a care message cannot be said", journey=care.journey, error=traced(error))
            return None
        if not text:
            return None
        purpose = Purpose(care.purpose)
        lasts = at + _ADVERTS_LAST if purpose == Purpose.MARKETING else care.valid_until
        return outbox.Post(
            chat_id,
            text,
            purpose,
            min(care.valid_until, lasts),
            self._choices(journey, language),
        )

    def _choices(self, journey: Journey, language: str) -> tuple[Choice, ...]:
        """What can be chosen under the journey's message."""
        if journey.button == "stars":
            return survey.stars()
        person = Choice(self.voice.say("replies.person_button", language), "person")
        return (person,) if journey.button else ()

    def said(
        self, care: CareMessage, journey: Journey, known: Known, offer: Any, chat: Any = None
    ) -> tuple[str, str]:
        """The language and the text for one customer, in a chat of theirs if they have one."""
        customer = known.customers[care.customer_id]
        there = (known.spoken.get(chat.id, ""), chat.language) if chat is not None else ()
        spoken = (*there, customer.language, self.voice.default_language)
        languages = self.voice.words.shop.languages
        channel = chat.channel if chat is not None else ""
        said = [one for one in spoken if one in languages]
        has_words = (one for one in said if journey.text(one, self.tone, channel, care.variant))
        language = next(has_words, said[0])
        return language, self._say(care, journey, known, offer, language, channel)

    def _say(
        self,
        care: CareMessage,
        journey: Journey,
        known: Known,
        offer: Any,
        language: str,
        channel: str,
    ) -> str:
        parcel = known.parcel_of(care)
        extra = dict(care.facts)
        if offer is not None:
            extra["coupon"] = coupon_facts(offer, language, self.voice)
        values = facts_for(
            language,
            self.voice,
            name=known.customers[care.customer_id].name,
            order=known.orders.get(care.order_id or 0),
            parcel=parcel,
            latest=known.steps.get(parcel.id) if parcel is not None else None,
            product=known.product_of(care),
            extra=extra,
        )
        template = journey.text(language, self.tone, channel, care.variant)
        return self.voice.words.render(template, language, **values)
