"""Makes two chats of one person one customer's, by a code sent from one to the other."""

import re

from bot.core.messages import Choice, Purpose
from bot.customers import chats
from bot.delivery import outbox
from bot.dialogue.turn import Turn, Verdict
from storage.models.customers import Customer, Identity

AFTER = ("person_in_charge", "survey")
NAME = "link"
_YES, _NO = f"{NAME}:yes:", f"{NAME}:no"
_DEEP_LINK = f"start:{NAME}_"
_CODE = rf"(?P<code>\d{{{chats.DIGITS}}})"
_SEND = re.compile(rf"(?:请)?(?:绑定|关联|/?link|connect)(?:聊天|账号|码|code)?[: ]*{_CODE}[.。!]?")
_ASK = re.compile(
    r"(?:(?:我|想|要|请|怎么|如何|帮我)*(?:绑定|关联)"
    r"(?:一下|其他|我的|另一个|两个|聊天|账号|微信|网页|telegram|电报|吗)*"
    r"|(?:(?:i|want to|how do i|please|can you) )*/?(?:link|connect)(?: up)?"
    r"(?: (?:my|this|the|other|another|two|chats?|accounts?|telegram|wechat|web))*)[?.!。]?"
)
_PART = re.compile(
    r"(?:请)?(?:解除|取消)(?:绑定|关联)|解绑|/?unlink(?: this| my)?(?: chat| account)?"
)


def reply(turn: Turn) -> Verdict | None:
    """Give a code, ask before one is used, use it, or part the chats again."""
    if turn.choice is not None:
        return _pressed(turn, turn.choice)
    plain = turn.understanding.normalised
    if found := _SEND.fullmatch(plain):
        return _ask_first(turn, found["code"])
    if _PART.fullmatch(plain):
        return _part(turn)
    return _give(turn) if _ASK.fullmatch(plain) else None


def _pressed(turn: Turn, choice: str) -> Verdict | None:
    code = choice.removeprefix(_DEEP_LINK)
    if code != choice and re.fullmatch(_CODE, code):
        return _ask_first(turn, code)
    if choice.startswith(_YES):
        return _use(turn, choice.removeprefix(_YES))
    if choice == _NO:
        turn.say("replies.link_left")
        return Verdict("left")
    return None


def _give(turn: Turn) -> Verdict:
    code = chats.issue(turn.session, turn.identity, turn.now)
    minutes = int(chats.LIFE.total_seconds() // 60)
    turn.say("replies.link_code", code=code, minutes=minutes)
    return Verdict("code")


def _ask_first(turn: Turn, code: str) -> Verdict:
    """Somebody may have been talked into sending a stranger's code: say what it would do."""
    match = chats.look_up(turn.session, turn.identity, code, turn.now)
    if match.outcome != "found" or match.other is None:
        return _refuse(turn, match)
    voice, language = turn.house.voice, turn.language
    choices = [
        Choice(voice.say("replies.link_yes_button", language), _YES + code),
        Choice(voice.say("replies.link_no_button", language), _NO),
    ]
    turn.say(
        "replies.link_sure", choices, name=match.other.name, channel=match.other.channel,
        here=turn.identity.channel,
    )  # fmt: skip
    return Verdict("asked")


def _use(turn: Turn, code: str) -> Verdict:
    match = chats.join(turn.session, turn.identity, code, turn.now)
    if match.outcome != "found" or match.other is None:
        return _refuse(turn, match)
    turn.customer = turn.session.get_one(Customer, turn.identity.customer_id)
    turn.say("replies.link_done", channel=match.other.channel)
    _tell(turn, match.other)
    return Verdict("joined", {"identity": match.other.id})


def _tell(turn: Turn, other: Identity) -> None:
    """The other chat is told too, so that a theft does not pass in silence."""
    conversation = outbox.conversation_for(turn.session, other)
    language = conversation.language or other.language or turn.language
    text = turn.house.voice.say(
        "replies.link_told", language, name=turn.identity.name, channel=turn.identity.channel,
        here=other.channel,
    )  # fmt: skip
    outbox.post(turn.session, conversation, text, purpose=Purpose.TRANSACTIONAL)


def _refuse(turn: Turn, match: chats.Match) -> Verdict:
    people = [turn.person_choice()] if match.outcome in ("different", "locked") else []
    turn.say(f"replies.link_{match.outcome}", people)
    return Verdict(match.outcome)


def _part(turn: Turn) -> Verdict:
    if not chats.part(turn.session, turn.identity):
        turn.say("replies.link_alone")
        return Verdict("alone")
    turn.customer = turn.session.get_one(Customer, turn.identity.customer_id)
    turn.say("replies.link_parted")
    return Verdict("parted")
