"""Takes the customer's own phone number as proof of who they are."""

from bot.core.messages import KEY_AWAY, Choice
from bot.customers import linking
from bot.dialogue.order_answer import NAME, answer_own, own_orders
from bot.dialogue.turn import Turn, Verdict
from storage.models.customers import Customer

AFTER = ("person_in_charge", "survey")


def reply(turn: Turn) -> Verdict | None:
    """Link the chat to the one customer with this number and answer what they asked of their order,
    or ask for an order's number."""
    phone = turn.inbound.phone
    if not phone:
        return None
    if not linking.prove_by_phone(turn.session, turn.identity, phone, turn.now):
        turn.say("replies.contact_unknown", [turn.person_choice()])
        return Verdict("unknown number")
    turn.customer = turn.session.get_one(Customer, turn.identity.customer_id)
    asked = turn.prompt(NAME)
    if asked and asked.get("proving") and own_orders(turn):
        turn.say("replies.contact_linked", [Choice("⌨️", KEY_AWAY)])
        answered = answer_own(turn, asked["entry"])
        return Verdict("linked", answered.details if answered else {})
    order = turn.house.voice.say("replies.order_button", turn.language)
    turn.say("replies.contact_linked", [Choice(order, "order")])
    return Verdict("linked")
