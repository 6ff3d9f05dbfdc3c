"""Appointments for calendar programs: one as a file, all of a person's as a feed."""

from appointment_service import errors
from appointment_service.schemas.calendar import Feed, Secret
from appointment_service.schemas.fields import AppointmentId
from appointment_service.service import AppointmentService, Feeds
from chassis.api import PUBLIC, SELF, Api, Reply, identity
from chassis.errors import NotFound
from chassis.headers import CACHE_CONTROL, CONTENT_DISPOSITION
from chassis.mongo import Document

CALENDAR = "text/calendar; charset=utf-8"
_HEADERS = (CONTENT_DISPOSITION, CACHE_CONTROL)


def routes(service: AppointmentService, feeds: Feeds) -> Api:
    api = Api("calendar")

    @api.get("/appointments/<id>/calendar.ics", access=SELF, media=CALENDAR, headers=_HEADERS, errors=[NotFound])
    def file(id: AppointmentId) -> Reply:
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

    @api.get("/calendar/<secret>.ics", access=PUBLIC, media=CALENDAR, headers=_HEADERS, errors=[errors.FeedNotFound])
    def feed(secret: Secret) -> Reply:
        """The appointments of whoever made this address, as iCalendar: those to come, and of the last 30 days."""
        return Reply(feeds.feed(secret), headers=_headers("appointments.ics", "private, max-age=300"))

    return api


def _headers(name: str, caching: str) -> dict[str, str]:
    return {CONTENT_DISPOSITION: f'attachment; filename="{name}"', CACHE_CONTROL: caching}
