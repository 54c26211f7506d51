"""Words that nobody may write here, however they are spelt."""

from bot.community.checks import Action, Case, Verdict, squashed


def judge(case: Case) -> Verdict | None:
    """What the group's settings say for a word of its list, in the text or in a link."""
    text = squashed(" ".join((case.post.text, *case.post.links)))
    words = ((word, squashed(word)) for word in case.group.words)
    found = next((word for word, plain in words if plain and plain in text), None)
    if found is None:
        return None
    return Verdict("words", Action(case.group.words_action), {"word": found})
