"""The composition root: the only place that wires the rooms together."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from bot import __version__, upkeep
from bot.answering.answerer import Answerer
from bot.care.house import House as Care
from bot.care.sending_run import SendingRunner
from bot.channels.base import Channel, DeskInlet, GroupInlet
from bot.channels.telegram.account import TelegramBot
from bot.channels.telegram.client import CHANNEL
from bot.channels.webchat import Sessions
from bot.channels.webhook import Endpoint
from bot.channels.wechat.account import WeChatAccount
from bot.community import rounds
from bot.community.reception import Community
from bot.community.room import House as Groups
from bot.community.rounds import Rounds
from bot.config import Config
from bot.core import metrics
from bot.core.events import Bus, HandoffRequested, SlaBreached
from bot.core.messages import Address
from bot.corp import Corp
from bot.delivery.replies import Replies
from bot.delivery.sender import Sender, Senders
from bot.desk.forum.inlet import ForumInlet
from bot.desk.forum.topics import Topics
from bot.desk.summary import Summary
from bot.desk.uploads import Uploads
from bot.dialogue.goods import knowing_goods
from bot.dialogue.intake import Intake
from bot.dialogue.receive import Reception
from bot.dialogue.skills import discover
from bot.dialogue.turn import House
from bot.engine import Engine, Job, engine_url
from bot.escalation import follow_ups, greeting, parcel_tasks, remarks, sla
from bot.escalation.in_force import TeamsInForce, told_shop
from bot.escalation.router import Router
from bot.escalation.routing import Routing
from bot.escalation.sent_files import Policies, SentFiles
from bot.escalation.teams import Teams
from bot.escalation.transfers import Transfers
from bot.feedback import survey
from bot.inbox import moved
from bot.inbox.admission import Admission
from bot.inbox.fetching import Fetcher
from bot.inbox.moved import KeptMoves
from bot.insights import counting
from bot.logistics import carriers
from bot.logistics.carrier import Carrier
from bot.logistics.standstill import Standstill
from bot.logistics.travel import Learning
from bot.logistics.watching import Watcher
from bot.shop.catalogue import Catalogue
from bot.shop.coupons import Stock
from bot.shop.sources import polling
from bot.web import health, pages
from bot.web.api.router import agents_router
from bot.web.carriers import carriers_router
from bot.web.chat_files import chat_files
from bot.web.chat_socket import ChatSocket
from bot.web.events import events_router
from bot.web.reports_api import reports_router
from bot.web.sources import sources_router
from bot.web.telegram import telegram_router
from bot.web.wechat import wechat_router
from bot.webhooks.body import body
from bot.webhooks.telling import Telling
from bot.words.phrases import Voice
from bot.words.sandbox import Words
from storage.db import AlreadyHeld, Database, DatabaseUnusable, hold
from storage.indexing import Indexer
from storage.migrate import upgrade
from storage.models.secrets import secret
from storage.models.teams import team_edits
from storage.ownership import Ownership
from storage.trail import Trail

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Content:
    """The words of an installation: its texts and its FAQ."""

    voice: Voice
    answerer: Answerer


@dataclass(frozen=True, slots=True)
class Service:
    """One running installation."""

    config: Config
    db: Database
    voice: Voice
    answerer: Answerer
    intake: Intake
    engine: Engine
    senders: Senders
    telegram: tuple[TelegramBot, ...]
    wechat: tuple[WeChatAccount, ...]
    fetcher: Fetcher
    rounds: Rounds
    forum: ForumInlet | None
    corp: Corp
    policies: Policies
    router: Router
    transfers: Transfers
    webhooks: tuple[Endpoint, ...]
    in_force: TeamsInForce
    catalogue: Catalogue
    carriers: tuple[Carrier, ...]
    care: Care


def content(config: Config) -> Content:
    """The texts and the FAQ alone, for commands that need no database."""
    voice = Voice.load(Words(told_shop(config)), config.content.templates)
    return Content(voice, Answerer(config.content.faq, cache_folder(config), voice.words.check))


def build(config: Config, channels: Sequence[Channel] = ()) -> Service:
    """Wire everything; nothing runs yet and no model is loaded.

    `channels` are pushed to besides those of the configuration; web chat fetches by itself.
    """
    words = content(config)
    voice, answerer = words.voice, words.answerer
    bus = Bus()
    Telling(config.webhooks).register(bus)
    survey.register(bus, voice)
    greeting.register(bus, voice)
    care = Care.of(config, voice, Stock())
    care.register(bus)
    bus.on(HandoffRequested, _count_handoff)
    bus.on(SlaBreached, _count_breach)
    teams = Teams.of(config)
    routing = _routing(config, voice, teams)
    routing.register(bus)
    transfers = Transfers(voice, teams)
    remarks.register(bus)
    follow_ups.register(bus, teams)
    parcel_tasks.register(bus, teams)
    groups = Groups.of(config.telegram, voice, answerer)
    rounds.register(bus, groups)
    db = Database(config.database.url, bus)
    wechat = _wechat(config, voice)
    corp = Corp.of(config, db, bus, voice)
    policies = {(one.channel.channel, one.name): one.channel.policy for one in wechat}
    policies |= corp.policies
    house = House(
        voice,
        answerer,
        teams,
        config.handover,
        ask_consent=config.care.ask_consent,
        double_opt_in=config.care.double_opt_in,
    )
    reception = Reception(house, discover(), policies)
    sla.Promises(teams).register(bus)
    platforms = carriers.accounts(config.carriers, config.web.public_url)
    jobs = [*_jobs(config, db), *sla.jobs(db), *_parcels(config, db, platforms)]
    jobs += care.jobs(db)
    jobs += counting.jobs(db, _counting_rules(config, answerer, teams), lambda: answerer.ready)
    if config.desk.summary_at:
        jobs += _summary(config, db, voice, answerer, corp).jobs()
    engine = Engine(engine_url(db.url), config.shop.timezone, jobs)
    intake = Intake(db, knowing_goods(answerer.understand, house.catalogue, voice.heard), reception)
    community = Community(db, answerer.understand, groups)
    forum = _forum(config, db, bus, voice, transfers)
    telegram = _telegram(config, db, voice, intake, community, forum)
    corp.connect(intake)
    for account in wechat:
        account.connect(intake, Replies(db, account.channel, care.planner.guard))
    pushed = [
        *channels,
        *(one.channel for one in telegram),
        *(one.channel for one in wechat),
        *corp.channels,
    ]

    async def told(kind: str, details: Mapping[str, Any]) -> dict[str, Any]:
        return await db.read(body, kind, details)

    webhooks = tuple(Endpoint(one, told) for one in config.webhooks)
    senders = Senders(
        [
            Sender(db, channel, care.planner.guard, files_folder(config))
            for channel in (*pushed, *webhooks)
        ]
    )
    fetcher = Fetcher(
        db,
        [*(one.files for one in telegram), *(one.files for one in wechat), *corp.files],
        files_folder(config),
        _max_bytes(config),
    )
    look_after = Rounds(db, groups)
    rules = {(one.channel, one.account): one.policy for one in pushed}
    care.connect(rules)
    if forum is not None:
        forum.connect(rules)
    return Service(
        config,
        db,
        voice,
        answerer,
        intake,
        engine,
        senders,
        telegram,
        wechat,
        fetcher,
        look_after,
        forum,
        corp,
        rules,
        Router(db, routing),
        transfers,
        webhooks,
        TeamsInForce(config, teams, voice.words),
        house.catalogue,
        platforms,
        care,
    )


def _counting_rules(config: Config, answerer: Answerer, teams: Teams) -> counting.Rules:
    """How reports count: by the shop's clock, the FAQ's small talk and the team's hours."""

    def is_small(entry_id: str) -> bool:
        entry = answerer.entry(entry_id, config.shop.default_language)
        return entry is not None and entry.is_smalltalk

    def working(since: datetime, until: datetime) -> timedelta:
        team = teams.called("")
        return team.hours.working_time_between(since, until) if team else until - since

    return counting.Rules(config.shop.zone, is_small, working)


def _summary(config: Config, db: Database, voice: Voice, answerer: Answerer, corp: Corp) -> Summary:
    """The day before in figures, every morning."""
    app = next(iter(corp.apps), None)
    return Summary(
        db,
        voice,
        answerer,
        time.fromisoformat(config.desk.summary_at),
        _forums(config),
        (app.channel.channel, app.name) if app is not None else None,
        config.web.public_url.rstrip("/"),
    )


def _forums(config: Config) -> tuple[Address, ...]:
    """The agents' groups on Telegram."""
    return tuple(
        Address(CHANNEL, one.name, str(one.desk_chat_id))
        for one in config.telegram
        if one.desk_chat_id is not None
    )


def _routing(config: Config, voice: Voice, teams: Teams) -> Routing:
    desk = config.desk
    return Routing(
        voice,
        teams,
        automatic=desk.assign == "automatic",
        patience=desk.reassign_minutes,
        breach_moves=desk.on_breach == "reassign",
        memory=timedelta(days=desk.same_agent_days),
    )


def _forum(
    config: Config, db: Database, bus: Bus, voice: Voice, transfers: Transfers
) -> ForumInlet | None:
    """Where agents' posts go; None without a forum. Its topics follow the conversations."""
    forums = _forums(config)
    if not forums:
        return None
    topics = Topics(forums, voice, config.web.public_url.rstrip("/"), transfers)
    topics.register(bus)
    return ForumInlet(db, topics)


def _telegram(
    config: Config,
    db: Database,
    voice: Voice,
    intake: Intake,
    community: GroupInlet,
    desk: DeskInlet | None,
) -> tuple[TelegramBot, ...]:
    bots = tuple(
        TelegramBot(one, config.web.public_url, voice, config.shop.zone, config.files.max_megabytes)
        for one in config.telegram
    )
    for bot in bots:
        bot.connect(intake, community, desk, KeptMoves(db, (CHANNEL, bot.name)))
    return bots


def _wechat(config: Config, voice: Voice) -> tuple[WeChatAccount, ...]:
    official = (one for one in config.wechat if one.kind == "official")
    return tuple(WeChatAccount(one, voice, config.shop.zone) for one in official)


def _jobs(config: Config, db: Database) -> list[Job]:
    kept = timedelta(days=config.files.keep_days)
    audit_kept = timedelta(days=config.desk.audit_days)
    return [*upkeep.jobs(db, files_folder(config), kept, audit_kept), *_polling(config, db)]


def _polling(config: Config, db: Database) -> list[Job]:
    """The job that asks JSON sources, if there are any."""
    poller = polling.Poller(db, config.sources, config.shop.zone)
    return [Job("poll-sources", poller.run, poller.cron)] if poller.has_work else []


def _parcels(config: Config, db: Database, platforms: Sequence[Carrier]) -> list[Job]:
    """The jobs that look after parcels on their way, and learn from those that arrived."""
    watcher = Watcher(db, platforms, timedelta(days=config.parcels.watch_days))
    asking = [Job("ask-carriers", watcher.run, "* * * * *")] if watcher.has_work else []
    standstill = Standstill(db, config.parcels)
    return [
        *asking,
        Job("find-stuck-parcels", standstill.run, "25 * * * *"),
        Job("learn-from-parcels", Learning(db).run, "40 3 * * *"),
    ]


def files_folder(config: Config) -> Path:
    """Where customers' files are kept."""
    return config.files.folder or cache_folder(config).parent / "files"


def _max_bytes(config: Config) -> int:
    """How large a file may be that is taken."""
    return config.files.max_megabytes * 1024 * 1024


def cache_folder(config: Config) -> Path:
    """Where fitted models are kept: beside the SQLite file, or in the user's cache folder."""
    if config.database.url.startswith("sqlite:///"):
        return Path(config.database.url.removeprefix("sqlite:///")).parent / "cache"
    return Path.home() / ".cache" / "xiaoer"


@contextmanager
def database(config: Config) -> Iterator[Database]:
    """The database for a command, migrated unless a running service has done that already."""
    db = Database(config.database.url)
    try:
        if not is_running(config):
            upgrade(db)
        yield db
    finally:
        db.close()


def is_running(config: Config) -> bool:
    """Whether this installation's service holds the database just now (SQLite only)."""
    try:
        lock = hold(config.database.url)
    except AlreadyHeld:
        return True
    except DatabaseUnusable:
        return False
    if lock is not None:
        lock.release()
    return False


def web(service: Service, on_ready: Callable[[], None] = lambda: None) -> FastAPI:
    """The ASGI application. `on_ready` is called when the FAQ is loaded (see `/readyz`)."""
    from bot.desk import page as desk  # heavy, and only the service shows pages

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        service.db.listen_to_others()
        service.senders.start()
        tasks = [
            asyncio.create_task(_serve_faq(service, on_ready)),
            asyncio.create_task(service.fetcher.run()),
            asyncio.create_task(service.rounds.run()),
            asyncio.create_task(Indexer(service.db).run()),
            asyncio.create_task(service.router.run()),
            asyncio.create_task(service.in_force.follow(service.db)),
            asyncio.create_task(SendingRunner(service.db, service.care.planner).run()),
        ]
        yield
        for bot in service.telegram:
            await bot.stop()
        await service.corp.stop()
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await service.intake.close()
        await service.senders.stop()
        for bot in service.telegram:
            await bot.close()
        service.corp.close()
        for account in service.wechat:
            await account.close()
        for webhook in service.webhooks:
            await webhook.close()
        await asyncio.to_thread(service.engine.close)
        service.answerer.close()
        await trail.close()
        service.db.close()

    app = FastAPIOffline(
        title="Xiaoer 店小二", version=__version__, lifespan=lifespan, redoc_url=None
    )
    config, db = service.config, service.db
    for bot in service.telegram:
        if bot.moves is not None:
            bot.moves.begin(db.run(moved.begin, (CHANNEL, bot.name), bot.moves.ours))
    service.in_force.take(db.run(team_edits))
    sessions = Sessions(db.run(secret, "chat-sessions"))
    admission = Admission()
    trail = Trail(db)
    chat = ChatSocket(
        db,
        service.intake,
        sessions,
        config.web.allowed_origins,
        config.web.public_url,
        admission,
    )
    app.include_router(pages.pages(config))
    app.include_router(chat.router())
    app.include_router(chat_files(db, sessions, files_folder(config)))
    app.include_router(telegram_router(service.telegram))
    service.corp.name_messages()
    official = {one.name: one for one in service.wechat}
    app.include_router(wechat_router({**official, **service.corp.callbacks}))
    app.include_router(events_router(db, config.api_keys, admission))
    app.include_router(sources_router(db, config.sources, admission))
    app.include_router(carriers_router(db, service.carriers, admission))
    sent = SentFiles(db, files_folder(config), _max_bytes(config), service.policies)
    app.include_router(agents_router(db, config.api_keys, sent, service.transfers, trail))
    app.include_router(reports_router(db, config.api_keys, config.shop.zone))
    app.include_router(
        health.health(
            db,
            {"faq": lambda: service.answerer.ready, "engine": lambda: service.engine.ready},
            lambda: len(service.answerer.problems),
        )
    )
    desk.mount(
        app,
        db,
        service.voice,
        db.run(secret, "desk-logins"),
        service.answerer,
        config.content.templates,
        Uploads(sent, config.desk.own_teams_only),
        trail,
        config.desk,
        service.transfers,
        service.care,
        secure=config.web.public_url.startswith("https:"),
    )
    return app


async def _serve_faq(service: Service, on_ready: Callable[[], None]) -> None:
    """Load the FAQ and the engine, answer what waits for them, then follow the FAQ's files."""
    answerer = service.answerer
    engine = asyncio.create_task(asyncio.to_thread(service.engine.launch))
    try:
        await answerer.load()
        log.info("faq ready", version=answerer.version)
        await engine
    except Exception:
        log.exception("the service does not get ready")
        raise
    await service.db.read(service.catalogue.load)
    await service.intake.recover()
    if service.forum is not None:
        await service.forum.recover()
    for bot in service.telegram:
        bot.start(Ownership(service.db, f"polling:{bot.channel.channel}:{bot.name}"))
    service.corp.start()
    for account in service.wechat:
        account.start()
    on_ready()
    metrics.FAQ_PROBLEMS.set_function(lambda: len(answerer.problems))
    await answerer.watch()


def _count_handoff(_session: object, event: HandoffRequested) -> None:
    metrics.HANDOFFS.labels(event.reason.partition(":")[0]).inc()


def _count_breach(_session: object, event: SlaBreached) -> None:
    metrics.SLA_BREACHES.labels(event.kind).inc()
