"""The same text again and again, by one member or by several."""

from bot.community.checks import Action, Case, Verdict, squashed

SHORTEST = 8
"""Characters: what is shorter ("thank you", 好的谢谢) many say by themselves."""


def judge(case: Case) -> Verdict | None:
    """Warns whoever repeats it once too often."""
    if len(squashed(case.post.text)) < SHORTEST:
        return None
    posts = case.alike(case.group.repeat_seconds)
    if len(posts) < case.group.repeat_messages:
        return None
    authors = len({one.user_id for one in posts})
    details = {"count": len(posts), "authors": authors, "seconds": case.group.repeat_seconds}
    return Verdict("repeated", Action.WARN, details)
