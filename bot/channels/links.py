"""Where the links and codes that bring a customer here lead to."""

_LINKS = {"faq-": "faq:", "order-": "order:"}
_PLACES = {"human": "person", "order": "order"}
MAX = 64
"""Characters of a link that count, as on Telegram."""


def led_here(payload: str) -> str:
    """The choice that a link's payload stands for: an FAQ entry (`faq-<id>`), an order
    (`order-<number>`), a person (`human`), the question for one's order (`order`). Any other is
    kept as where the customer came from."""
    payload = payload.strip()[:MAX]
    if not payload:
        return "start"
    for prefix, value in _LINKS.items():
        if payload.startswith(prefix):
            return value + payload.removeprefix(prefix)
    return _PLACES.get(payload, f"start:{payload}")
