"""The settings of what customers are told by itself."""

from bot.settings import Section


class Care(Section):
    """What customers are told by itself; see docs/consent.md.

    On the channels in `double_opt_in` a wish for offers has to be confirmed. With `ask_consent`
    customers are asked once, after a good rating, whether they want offers.
    """

    double_opt_in: tuple[str, ...] = ()
    ask_consent: bool = False
