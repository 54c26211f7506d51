"""A fit in another process leaves its models where the index finds them, and may fail freely."""

import sys
import threading
import time
from pathlib import Path

import pytest

from bot.answering import fitting
from bot.answering.answerer import Answerer
from bot.answering.apart import Apart
from bot.answering.index import Index
from tests.unit.answering.conftest import write_faq


def test_the_models_are_found_by_the_index(
    index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not Index.is_kept(index.entries, tmp_path)
    Apart().fit(index.entries, tmp_path)
    assert Index.is_kept(index.entries, tmp_path)
    monkeypatch.setattr(fitting, "fit", None)  # fitting again would fail
    (found,) = Index.build(index.entries, tmp_path).understand(["想退货"])
    (expected,) = index.understand(["想退货"])
    assert found.best is not None
    assert expected.best is not None
    assert found.best.entry_id == expected.best.entry_id
    # Sums of the same numbers may differ in the last digit between processes.
    assert found.confidence == pytest.approx(expected.confidence, abs=1e-6)


async def test_without_another_process_the_answerer_fits_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program in ("/bin/false", "/no/such/program"):
        monkeypatch.setattr(sys, "executable", program)
        answerer = Answerer(write_faq(tmp_path / "faq"), tmp_path / program.replace("/", "_"))
        await answerer.load()
        assert answerer.ready
        answerer.close()


def test_a_fit_can_be_ended(index: Index, tmp_path: Path) -> None:
    apart = Apart()
    thread = threading.Thread(target=apart.fit, args=(index.entries, tmp_path))
    thread.start()
    while apart._process is None and thread.is_alive():
        time.sleep(0.01)
    apart.stop()
    thread.join(5)
    assert not thread.is_alive()
    assert not Index.is_kept(index.entries, tmp_path)
