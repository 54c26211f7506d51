"""The steps of `xiaoer care run`: keep, count, confirm, watch."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bot.bars import progress
from bot.cli import care_tables
from bot.cli.common import err, say
from bot.core.errors import NotAllowed, XiaoerError

if TYPE_CHECKING:
    from collections import Counter

    from bot.app import Service
    from bot.care.overview import SendingLine
    from bot.care.say import Say
    from storage.models.care import Sending

_LOOK_SECONDS = 0.5
_WAITING = ("running",)


def prepared(service: "Service", what: str) -> int:
    """The sending that a file describes, kept; or the one with this name."""
    from bot.care import sending_file, sendings

    shop, path = service.config.shop, Path(what)
    if path.suffix != ".toml":
        return service.db.run(sendings.named, what).id or 0
    if not path.is_file():
        raise XiaoerError(f"没有 {path} 这个文件。", f"There is no file {path}.")
    draft = sending_file.read(path, shop.zone)
    return service.db.run(sendings.create, None, service.voice, draft).id or 0


def count(service: "Service", words: "Say", sending_id: int) -> "Sending":
    """Count who gets it, unless it is under way already; says why the others do not."""
    from collections import Counter

    from bot.care import counting, sendings
    from storage.models.care import Sending

    sending = service.db.run(lambda session: session.get_one(Sending, sending_id))
    if sending.state not in ("draft", "counted"):
        return sending
    found: Counter[str] = Counter()
    after: int | None = 0
    with progress(err) as bars:
        bar = bars.add_task(say("计数", "count"), total=None)
        while after is not None:
            part, after = service.db.run(
                counting.count_some, service.care.planner, sending_id, after
            )
            found += part
            bars.update(bar, completed=found.total())
    _tell(words, found)
    return service.db.run(sendings.counted, sending_id, found)


def _tell(words: "Say", found: "Counter[str]") -> None:
    from bot.care.sendings import ready

    number = ready(found)
    err.print(words("ready", count=number), markup=False)
    for reason, times in found.most_common():
        err.print(f"{times:>8}  {words.known('reason', reason)}", markup=False)


def begin(service: "Service", sending: "Sending", yes: int | None) -> bool:
    """Confirm it with the number of customers, asked for or given. False when it is over.

    Raises `NotAllowed` where nobody gets it, and where the number is another.
    """
    from bot.care import sendings

    number, sending_id = sendings.ready(sending.counts), sending.id or 0
    if sending.state == "paused":
        service.db.run(sendings.resume, None, sending_id)
    if ended := sendings.over(sending):
        err.print(say(*ended), markup=False)
        return False
    if sending.state != "counted":
        return True
    if why := sendings.nobody(sending.counts):
        raise NotAllowed(*why)
    if yes is None:
        yes = _asked()
    service.db.run(sendings.confirm, None, service.voice, sending_id, yes)
    err.print(say(f"已确认：{number}", f"Confirmed: {number}"), markup=False)
    return True


def _asked() -> int:
    """The number that somebody types; asked again until it is one."""
    question = say("确认发送，请输入人数", "To send it, type the number of customers")
    while not (typed := typer.prompt(question, err=True).strip()).isdecimal():
        err.print(say("请只输入数字，例如 128。", "Digits alone, please, such as 128."))
    return int(typed)


def watch(service: "Service", words: "Say", sending_id: int) -> None:
    """Show how far it is until it rests or ends. The service sends, not this command."""
    from bot import app as house

    line = _line(service, sending_id)
    if service.db.is_sqlite and not house.is_running(service.config):
        err.print(
            say(
                "服务没有运行：启动后（xiaoer run）就会开始发送。",
                "The service is not running: it sends when it does (`xiaoer run`).",
            )
        )
        return
    try:
        with progress(err) as bars:
            bar = bars.add_task(line.name, total=line.counted)
            while line.state in _WAITING:
                time.sleep(_LOOK_SECONDS)
                line = _line(service, sending_id)
                bars.update(bar, completed=line.decided, total=max(line.counted, line.planned))
    except KeyboardInterrupt:
        err.print(
            say(
                f"发送在服务里继续。暂停：xiaoer care pause {line.name}",
                f"The service goes on sending. To let it rest: xiaoer care pause {line.name}",
            ),
            markup=False,
        )
        raise typer.Exit(130) from None
    care_tables.sendings(words, [line])


def summary(service: "Service", sending_id: int) -> dict[str, Any]:
    """How far it is, for programs."""
    return _line(service, sending_id).as_dict()


def _line(service: "Service", sending_id: int) -> "SendingLine":
    from bot.care import overview
    from storage.models.care import Sending

    return service.db.run(
        lambda session: overview.sending_line(session, session.get_one(Sending, sending_id))
    )
