"""The engine's asynchronous front: loads, answers in batches, and follows changes of the files."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from bot.answering.apart import Apart
from bot.answering.clauses import understand as understand_whole
from bot.answering.load import CheckTemplate, Entry, FaqInvalid, FaqProblem, load
from bot.answering.understanding import Understanding
from bot.core.errors import Unavailable
from bot.core.text import to_traditional

if TYPE_CHECKING:
    from bot.answering.index import Index

MAX_BATCH = 32
"""Questions encoded together at most: more would keep the first of them waiting."""
DEBOUNCE_MS = 400
_WAY_S = 0.0002
_LOG = logging.getLogger(__name__)

Stamp = tuple[tuple[str, int, int], ...]


class Answerer:
    """Answers from the FAQ in `folder`; fitted models are kept in `cache_folder`."""

    def __init__(
        self,
        folder: Path,
        cache_folder: Path | None = None,
        check_template: CheckTemplate | None = None,
    ) -> None:
        self.folder = folder
        self.problems: tuple[FaqProblem, ...] = ()
        self._cache = cache_folder
        self._check_template = check_template
        self._index: Index | None = None
        self._apart = Apart()
        # Questions have a thread of their own: a reload must not hold up answers.
        self._thread = ThreadPoolExecutor(1, "understand")
        self._stamp: Stamp = ()
        self._read: list[Entry] = []
        self._waiting: list[tuple[str, asyncio.Future[Understanding]]] = []
        self._worker: asyncio.Task[None] | None = None
        self._loading = asyncio.Lock()

    @property
    def ready(self) -> bool:
        """Whether questions can be answered."""
        return self._index is not None

    @property
    def index(self) -> "Index":
        """The index in use. Raises Unavailable before the first load."""
        if self._index is None:
            raise Unavailable(
                "FAQ 还没有载入完成，请稍后再试", "the FAQ is not loaded yet: try again shortly"
            )
        return self._index

    @property
    def version(self) -> str:
        """Names the content in use; empty before the first load."""
        return self._index.version if self._index else ""

    def read(self) -> None:
        """Reads the files ahead of the first `load`, which fits them. Raises FaqInvalid."""
        self._stamp = _stamp(self.folder)
        self._read = load(self.folder, self._check_template)

    async def load(self) -> None:
        """Reads and fits the FAQ. Raises FaqInvalid; then the index in use stays as it was."""
        async with self._loading:
            try:
                with _giving_way():
                    self._index = await asyncio.to_thread(self._build)
            except FaqInvalid as error:
                self.problems = error.problems
                raise
            self.problems = ()

    async def reload(self) -> bool:
        """Loads again; false when the files are not good, and then `problems` says why."""
        try:
            await self.load()
        except FaqInvalid as error:
            _LOG.error("FAQ not reloaded: %s", error)
            return False
        except Exception:  # a file that vanishes while it is read: the next change tries again
            _LOG.exception("FAQ not reloaded")
            return False
        _LOG.info("FAQ reloaded: version %s", self.version)
        return True

    async def watch(self) -> None:
        """Reloads whenever a file of the FAQ changes; runs until cancelled."""
        from watchfiles import awatch

        if _stamp(self.folder) != self._stamp:  # changed while the first model was fitted
            await self.reload()
        async for _ in awatch(self.folder, debounce=DEBOUNCE_MS):
            await self.reload()

    async def understand(self, text: str) -> Understanding:
        """What `text` asks. Texts that arrive while a batch is under way form the next one."""
        self.index  # noqa: B018 (not loaded yet: refuse now rather than in the batch)
        future: asyncio.Future[Understanding] = asyncio.get_running_loop().create_future()
        self._waiting.append((text, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._work())
        return await future

    def entry(self, entry_id: str, language: str) -> Entry | None:
        """The entry in `language`, or else in the other one; None when there is none."""
        return self.index.entry(entry_id, language)

    def close(self) -> None:
        """Lets the worker thread end, and a fit; understanding is over after this."""
        self._apart.stop()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _build(self) -> "Index":
        from bot.answering.index import Index

        if not self._read:
            self.read()
        entries, self._read = self._read, []
        if self._cache and not Index.is_kept(entries, self._cache):
            self._apart.fit(entries, self._cache)
        index = Index.build(entries, self._cache)
        # The encoder's weights and the converters' words are loaded before a customer asks.
        index.understand(["你好", "hello"])
        to_traditional("你好")
        return index

    async def _work(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            batch = [(text, future) for text, future in batch if not future.done()]
            await self._serve(batch)

    async def _serve(self, batch: list[tuple[str, asyncio.Future[Understanding]]]) -> None:
        """Answer a batch; where it fails, each text alone, so that one fails its neighbours not."""
        try:
            found = await asyncio.get_running_loop().run_in_executor(
                self._thread, understand_whole, self.index, [text for text, _ in batch]
            )
        except Exception as error:
            if len(batch) > 1:
                for one in batch:
                    await self._serve([one])
            elif not batch[0][1].done():
                batch[0][1].set_exception(error)
            return
        for (_, future), understanding in zip(batch, found, strict=True):
            if not future.done():
                future.set_result(understanding)


@contextlib.contextmanager
def _giving_way() -> Iterator[None]:
    """Threads hand over after 0.2 ms. A question hands over some fifty times on its way through
    the encoder, and beside a thread that reads files it would wait 5 ms each time to go on."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(_WAY_S)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)


def _stamp(folder: Path) -> Stamp:
    """Names, times and sizes of the FAQ's files: differs once any of them has changed."""
    found = []
    for path in sorted(folder.glob("*/*.yaml")):
        with contextlib.suppress(FileNotFoundError):  # gone since it was listed
            stat = path.stat()
            found.append((str(path), stat.st_mtime_ns, stat.st_size))
    return tuple(found)
