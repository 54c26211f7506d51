"""Posts that slipped through while their author may not write."""

from bot.community.checks import Action, Case, Verdict


def judge(case: Case) -> Verdict | None:
    """Takes away what came before the platform knew of a mute, or of a button not pressed."""
    if case.is_waiting:
        return Verdict("silenced", Action.DELETE, {"why": "newcomer"})
    return Verdict("silenced", Action.DELETE, {"why": "muted"}) if case.is_silenced else None
