"""Appointments for calendar programs: one as a file, all of a person's as a feed."""

from appointment_service import errors
from appointment_service.schemas.calendar import Feed
from appointment_service.service import AppointmentService, Feeds
from chassis.api import PUBLIC, SELF, Api, Reply, identity
from chassis.errors import NotFound
from chassis.mongo import Document

CALENDAR = "text/calendar; charset=utf-8"


def routes(service: AppointmentService, feeds: Feeds) -> Api:
    api = Api("calendar")

    @api.get("/appointments/<id>/calendar.ics", access=SELF, media=CALENDAR, errors=[NotFound])
    def file(id: str) -> Reply:
        """An appointment as an iCalendar file, for its patient, its doctor and admins."""
        who = identity()
        text = feeds.file(service.appointment(who, id), who.user_id)
        return Reply(text, headers=_headers("appointment.ics", "private, no-store"))

    @api.post(
        "/calendar/feed",
        access=SELF,
        status=201,
        returns=Feed,
        message="Whoever has this address can read your calendar.",
    )
    def renew() -> Document:
        """Make a secret address at which one's appointments are found; the one before is dead."""
        return feeds.renew(identity().user_id)

    @api.delete("/calendar/feed", access=SELF, message="Your calendar has no address any more.")
    def revoke() -> None:
        """Take the address away."""
        feeds.revoke(identity().user_id)

    @api.get("/calendar/<secret>.ics", access=PUBLIC, media=CALENDAR, errors=[errors.FeedNotFound])
    def feed(secret: str) -> Reply:
        """The appointments of whoever made this address, as iCalendar: those to come, and of the last 30 days."""
        return Reply(feeds.feed(secret), headers=_headers("appointments.ics", "private, max-age=300"))

    return api


def _headers(name: str, caching: str) -> dict[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": caching}
