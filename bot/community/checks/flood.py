"""Many messages in a short time; an album counts as one."""

from bot.community.checks import Action, Case, Verdict


def judge(case: Case) -> Verdict | None:
    """Mutes for a while, and takes the whole flood away."""
    if case.post.is_edit:
        return None
    posts = case.own_posts(case.group.flood_seconds)
    count = len({one.album or str(one.message) for one in posts})
    if count < case.group.flood_messages:
        return None
    details = {"count": count, "seconds": case.group.flood_seconds}
    return Verdict("flood", Action.MUTE, details, tuple(one.message for one in posts))
