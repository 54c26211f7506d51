"""What the platform's errors mean for a message that was being sent."""

from bot.channels.base import Closed, DeliveryError, Refused, TryLater, Uncertain
from bot.channels.wechat.library import ApiError, NoAnswer, NotReached

CONFIGURATION_SECONDS = 60.0
"""How long to wait where somebody has to mend the configuration."""
_CONFIGURATION = frozenset({40001, 40013, 40014, 40125, 40164, 41002, 41004, 42001, 60020, 61004})
"""Secret, token or app id refused; our address is not on the allow list."""
_BUSY = {-1: None, 45009: 600.0, 45011: 60.0}
"""The platform is busy; the day's calls are used up; too many in this minute."""
_SHUT = frozenset({45015, 45047, 95001, 95002, 95018})
"""The customer has to write first: the window is shut, or its messages are used up."""
_GONE = frozenset({43004, 48002})
"""The customer has left, or refuses our messages."""

Failure = ApiError | NotReached | NoAnswer
FAILURES = (ApiError, NotReached, NoAnswer)


def delivery_error(error: Failure) -> DeliveryError:
    """What the sender has to do after `error`
    (developers.weixin.qq.com/doc/offiaccount/Getting_Started/Global_Return_Code.html)."""
    if isinstance(error, NotReached):
        return TryLater(str(error))
    if isinstance(error, NoAnswer):
        return Uncertain(str(error))
    if error.code in _SHUT:
        return Closed(str(error))
    if error.code in _CONFIGURATION:
        return TryLater(str(error), CONFIGURATION_SECONDS, everyone=True)
    if error.code in _BUSY:
        return TryLater(str(error), _BUSY[error.code], everyone=error.code != -1)
    return Refused(str(error), blocked=error.code in _GONE)
