"""What the shop says of its own accord: journeys, sending to many, coupons, birthdays."""

from bot.core.roles import Right
from bot.desk.care_journeys import Journeys
from bot.desk.care_more import draw_birthdays, draw_coupons
from bot.desk.care_say import CareSay
from bot.desk.care_sendings import Sendings
from bot.desk.elements import box, text
from bot.desk.forms import link
from bot.desk.visit import Place, Visit

PLACE = Place("/care", "care", Right.LOOK)
ORDER = 30
VIEWS = ("journeys", "sendings", "coupons", "birthdays")


async def build(visit: Visit) -> None:
    """Draw the view that the address asks for."""
    say, care, asked = CareSay(visit.texts), visit.services.care, visit.asked
    if care is None:
        return
    sending, journey = asked.get("sending", ""), asked.get("journey", "")
    view = "sendings" if sending else asked.get("show", "")
    view = view if view in VIEWS else VIEWS[0]
    text(visit.texts("care"), tag="h1")
    _views(say, view)
    if view == "sendings":
        await Sendings(visit, say, care).show(sending or asked.get("draft", ""), new="new" in asked)
    elif view == "coupons":
        await draw_coupons(visit, say)
    elif view == "birthdays":
        await draw_birthdays(visit, say)
    else:
        if not journey:
            text(say("lead"), "d-small d-lead")
        await Journeys(visit, say, care).show(journey)


def _views(say: CareSay, shown: str) -> None:
    nav = box("n-filters", "nav")
    nav.props["aria-label"] = say("views")
    with nav:
        for view in VIEWS:
            chip = link(say(f"view_{view}"), f"/desk/care?show={view}", "d-button n-chip")
            if view == shown:
                chip.props["aria-current"] = "page"
