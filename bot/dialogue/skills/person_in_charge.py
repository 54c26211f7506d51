"""While a person has the conversation, or is on the way, the bot does not talk over them."""

import re
from datetime import timedelta

from bot.core.messages import Author, Choice, State
from bot.core.text import normalise
from bot.dialogue.anger import is_angry, is_annoyed, is_teasing
from bot.dialogue.calling import asks_for_person
from bot.dialogue.leaving import lets_go
from bot.dialogue.turn import Turn, Verdict
from bot.escalation import handoff, waits

AFTER = ("blocked", "opt_in", "opt_out")
NAME = "person_in_charge"
_TOLD = "told the wait"
_KEPT = "kept the place"
_AWAY = "told when they are back"
_ONCE_IN = timedelta(minutes=1)
_JUST_HERE = timedelta(minutes=15)
"""An agent who wrote so lately is at work, whatever the hours say."""
_SHORT = 40
_COMPLAINTS = {
    "complaint", "entry:complaint", "entry:legal_threat", "entry:allergy_safety", "danger", "fraud",
    "crisis",
}  # fmt: skip
"""Reasons for a person that a sigh ("算了") does not undo."""
_COMPLAINED = timedelta(hours=12)
"""How long an angry word is still why somebody waits."""

_HAN_BOT = r"(?:你|机器人|店小二|小二)"
_BACK = re.compile(
    r"(?:算了|那|我|还是|先|就|[,。!~ ])*"
    r"(?:算了|不(?:想)?等了?|等不了了?|不排队?了?|(?:不用|不要|不需要|别)(?:再)?[转找接等]?(?:人工"
    r"|客服|真人)(?:客服)?了?"
    rf"|不用了?[, ]*{_HAN_BOT}[先来快]*(?:回答|回|帮|说)(?:我|一下)*"
    rf"|{_HAN_BOT}{{1,2}}[先快]?(?:回来|出来"
    rf"|回答我|回复我)"
    rf"|(?:问|找|回到?){_HAN_BOT}|退出|(?:取消|退出|结束)(?:排队|转?人工|等待))"
    r"[吧了啊呀就行好嘛,。!~. ]*"
    r"|(?:actually|ok|oh|no|sorry|please|pls|just|[,. ])*"
    r"(?:never ?mind|nvm|forget (?:about )?it|stop waiting|leave (?:the )?queue|exit|quit"
    r"|(?:i )?(?:don'?t want to|won'?t|can'?t|cannot) wait(?: any ?more| any longer)?"
    r"|(?:i'?m |i am )?(?:not|done) waiting(?: any ?more| any longer)?"
    r"|(?:(?:go|get|take me|bring me|switch) )?back(?: to (?:the )?(?:bot|robot|xiaoer|assistant))?"
    r"|(?:cancel|leave) (?:the |my )?(?:queue|wait|waiting|request))(?:[,. !]|please|thanks)*"
)
_WAIT = re.compile(
    r"等多久(?!.{0,6}[发到收退])|等到什么时候|^(?:还有|还要|还得|要|大概|大约|还)*多久[了呢啊呀吗?!。]*$"
    r"|前面.{0,5}(?:几|多少)|排.{0,3}几|第几[位个]|有人(?:吗|在吗|么|没有?|理|在不在)|人呢|人在哪"
    r"|客服呢|在吗|在不在"
    r"|没人[吗理回来在]|还没(?:人|轮到|到我|来)|到我了?[吗没]|什么时候(?:来|轮到|有人)"
    r"|快点[来啊!]*$|^(?:请|快|我要|找|转|来个|叫)*(?:人工|真人|客服)(?:客服)?[呢啊吧呀!?。]*$"
    r"|^(?:can i |i want to |let me )?(?:talk|speak) (?:to|with) an? (?:human|person|agent)[?!. ]*$"
    r"|^how (?:much )?long(?:er)?(?: .{0,20}(?:wait|queue|someone|agent|person|until).{0,12}"
    r"| (?:will|does|is) (?:it|this|that)(?: going to)?(?: take)?)?[?!. ]*$"
    r"|\b(?:any|some)(?:one|body) (?:there|here|coming|around|home)\b|\bstill waiting\b"
    r"|^(?:hello|hi|hey)+ ?\?+$|\b(?:my|the) (?:position|place in)\b|\bhow many .{0,12}(?:ahead"
    r"|before|in front)"
    r"|\bwhere(?:'s| is| are)? (?:is |the |your |an? )*(?:agents?|persons?|humans?|everyone"
    r"|everybody|staff)\b"
)


def wants_bot(normalised: str) -> bool:
    """Whether someone who waits for a person would rather have the bot again."""
    return len(normalised) <= _SHORT and bool(_BACK.fullmatch(normalised.replace("’", "'")))


def asks_for_wait(normalised: str) -> bool:
    """Whether someone who waits asks how long it takes, or whether anybody is there."""
    return len(normalised) <= _SHORT and bool(_WAIT.search(normalised.replace("’", "'")))


def reply(turn: Turn) -> Verdict | None:
    """Stay silent, unless a customer still waits and wants the bot, or their place in line."""
    state, words = turn.conversation.state, turn.understanding.normalised
    if state not in (State.WAITING, State.OPEN):
        return None
    if state == State.OPEN:
        return _away(turn) or Verdict("silent")
    if turn.choice == "bot" or (turn.choice is None and wants_bot(words)):
        if turn.choice is None and lets_go(words) and _complained(turn):
            return _keep_place(turn)
        handoff.back_to_bot(turn.session, turn.conversation)
        again = turn.house.voice.say("replies.queue_again_button", turn.language)
        turn.say("replies.left_queue", [Choice(again, "person")])
        return Verdict("back to the bot")
    impatient = turn.choice == "person" or _is_impatient(words)
    if impatient and not turn.said_lately(NAME, _TOLD, _ONCE_IN):
        ahead = handoff.ahead_of(turn.session, turn.conversation, turn.house.teams)
        turn.say("replies.still_waiting", [_back(turn)], ahead=ahead, **turn.wait_values())
        return Verdict(_TOLD)
    return _away(turn) or Verdict("silent")


def _back(turn: Turn) -> Choice:
    return Choice(turn.house.voice.say("replies.back_button", turn.language), "bot")


def _is_impatient(words: str) -> bool:
    """Whether they ask how long it takes, call for a person once more, or lose their patience."""
    is_upset = is_angry(words) or is_teasing(words) or is_annoyed(words)
    return asks_for_wait(words) or asks_for_person(words) or is_upset


def _complained(turn: Turn) -> bool:
    """Whether they wait with a complaint, or have been angry lately."""
    said = [one.text for one in turn.earlier(_COMPLAINED) if one.author == Author.CUSTOMER]
    is_complaint = turn.conversation.handoff_reason in _COMPLAINTS
    return is_complaint or any(is_angry(normalise(text)) for text in said)


def _keep_place(turn: Turn) -> Verdict:
    """Who complained and sighs "算了" keeps the place; said once, they can leave by the button."""
    if turn.said_lately(NAME, _KEPT, _JUST_HERE):
        return Verdict("silent")
    ahead = handoff.ahead_of(turn.session, turn.conversation, turn.house.teams)
    turn.say("replies.place_kept", [_back(turn)], ahead=ahead)
    return Verdict(_KEPT)


def _away(turn: Turn) -> Verdict | None:
    """Say once in each break of the team when it is back, unless that was said at its beginning."""
    team = turn.team
    if team is None or waits.back_at(team, turn.now) is None:
        return None
    since = team.hours.closed_since(turn.now) or turn.now
    waiting_since = turn.conversation.waiting_since
    was_told = turn.conversation.state == State.WAITING and waiting_since and waiting_since >= since
    spoken = turn.earlier(max(turn.now - since, _JUST_HERE))
    is_here = any(
        one.author == Author.AGENT and one.created_at >= turn.now - _JUST_HERE for one in spoken
    )
    verdicts = {(one.verdict or {}).get("outcome") for one in spoken if one.created_at >= since}
    if was_told or is_here or verdicts & {_AWAY, _TOLD}:
        return None
    turn.say("replies.away", [], **turn.wait_values())
    return Verdict(_AWAY)
