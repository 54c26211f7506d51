"""What the service counts about itself, in Prometheus' terms. No personal data in labels."""

from prometheus_client import Counter, Gauge, Histogram

TURNS = Counter("xiaoer_turns_total", "Customer messages handled", ["channel", "outcome"])
TURN_SECONDS = Histogram(
    "xiaoer_turn_seconds",
    "From the arrival of a customer message to the commit of its answer",
    ["channel"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
HANDOFFS = Counter("xiaoer_handoffs_total", "Conversations handed over to people", ["reason"])
SLA_BREACHES = Counter("xiaoer_sla_breaches_total", "Promised times that ran out", ["kind"])
EVENTS = Counter("xiaoer_events_total", "Events taken from the shop's systems", ["type"])
WEBHOOKS = Counter("xiaoer_webhooks_total", "Calls of shop platforms", ["source", "outcome"])
SOCKETS = Gauge("xiaoer_chat_sockets", "Open web chat sockets")
REFUSED = Counter("xiaoer_frames_refused_total", "Web chat frames refused", ["code"])
FAQ_PROBLEMS = Gauge("xiaoer_faq_problems", "Problems that keep changed FAQ files from use")
QUARANTINED = Counter(
    "xiaoer_quarantined_total", "Messages that kept failing and were left to people", ["channel"]
)
DELIVERIES = Counter("xiaoer_deliveries_total", "Attempts to send", ["channel", "outcome"])
TOLD = Counter("xiaoer_webhook_calls_total", "Calls of other systems", ["webhook", "outcome"])
