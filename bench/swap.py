"""The FAQ changes while customers chat: does anybody wait for it, and when is the answer new?"""

import asyncio
import shutil
import threading
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

from bench.traffic import drive, row
from bot.answering.load import load
from bot.config import ROOT
from tests.support.chat import Chat
from tests.support.service import Service

RATE, SECONDS, CHATS = 25, 40, 50
WORDS = "[the changed answer]"


def measure(folder: Path) -> dict[str, Any]:
    """The same questions twice, undisturbed and with a changed FAQ file on the way."""
    faq = shutil.copytree(ROOT / "faq", folder / "faq")
    models = folder / "models"
    models.mkdir(exist_ok=True)
    service = Service(folder / "swap", models, faq=faq)
    # Without an order or a person in the way each question has its answer at once.
    plain = [one for one in load(faq) if not (one.needs or one.person or one.is_smalltalk)]
    questions = [question for entry in plain for question in entry.questions]
    seen: list[float] = []

    def change() -> None:
        sleep(SECONDS / 6)
        path = faq / "zh" / "returns.yaml"
        text = path.read_text(encoding="utf-8")
        # A new phrasing makes a new fit necessary, a new answer shows when it is in use.
        text = text.replace("  questions:\n", "  questions:\n    - 退货退货怎么弄才好\n", 1)
        path.write_text(text.replace("  answer: |\n", f"  answer: |\n    {WORDS}\n", 1), "utf-8")
        changed = perf_counter()
        with Chat(service.socket_url) as chat:
            while WORDS not in chat.ask("退货退货怎么弄才好") and perf_counter() < changed + 120:
                sleep(0.5)
        seen.append(perf_counter() - changed)

    with service.running():
        quiet = asyncio.run(drive(service.socket_url, questions, RATE, SECONDS, CHATS))
        thread = threading.Thread(target=change)
        thread.start()
        busy = asyncio.run(drive(service.socket_url, questions, RATE, SECONDS, CHATS))
        thread.join()
    return {
        "chats / messages per s / s": f"{CHATS} / {RATE} / {SECONDS}",
        "answered, undisturbed / changing": f"{len(quiet.answers)} / {len(busy.answers)}",
        "undisturbed, answer ms p50 / p99": row(quiet.answers),
        "undisturbed, longest answer ms": round(1000 * max(quiet.answers)),
        "changing, answer ms p50 / p99": row(busy.answers),
        "changing, longest answer ms": round(1000 * max(busy.answers)),
        "s until the changed answer is said": round(seen[0], 1),
    }
