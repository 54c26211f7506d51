"""Links and forwarded messages from those who have only just come."""

from datetime import timedelta

from bot.community.checks import Action, Case, Verdict


def judge(case: Case) -> Verdict | None:
    """Takes them away, without a warning: most spam begins like this, and so do some friends."""
    post = case.post
    if not (post.links or post.is_forwarded):
        return None
    joined, young = case.member.joined_at, timedelta(hours=case.group.newcomer_hours)
    is_young = joined is not None and post.at - joined < young
    if not is_young and case.member.posts > case.group.newcomer_messages:
        return None
    what = "links" if post.links else "forward"
    return Verdict("newcomer_links", Action.DELETE, {"what": what, "posts": case.member.posts - 1})
