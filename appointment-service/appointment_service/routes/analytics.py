"""What the appointments add up to."""

from appointment_service.domain.analytics import BY_TIME
from appointment_service.schemas.analytics import FiguresQuery, FiguresReport, OwnFiguresQuery
from appointment_service.service import Analytics
from chassis.api import ADMIN, DOCTOR, Api, identity
from chassis.mongo import Document
from chassis.paging import decode_cursor, page
from chassis.schemas import invalid


def routes(analytics: Analytics) -> Api:
    api = Api("analytics")

    @api.get("/doctors/me/analytics", access=DOCTOR, returns=FiguresReport, heavy=True)
    def own(query: OwnFiguresQuery) -> Document:
        """What one's appointments add up to, by day, week (its Monday) or month."""
        told = analytics.figures(query.first, query.last, query.group_by, doctor_id=identity().user_id)
        return {**told, "nextCursor": None}

    @api.get("/admin/analytics/appointments", access=ADMIN, returns=FiguresReport, heavy=True)
    def all(query: FiguresQuery) -> Document:
        """What all appointments add up to, or a doctor's or specialty's; doctors and specialties come in pages."""
        paged = query.group_by not in BY_TIME
        if query.cursor and not paged:
            raise invalid("cursor", "is not a cursor of this list")
        after = decode_cursor(query.cursor, (str,))[0] if query.cursor else None
        told = analytics.figures(
            query.first,
            query.last,
            query.group_by,
            doctor_id=query.doctor_id,
            specialty=query.specialty,
            after=after,
        )
        limit = query.limit if paged else len(told["items"])
        return {**told, **page(told["items"], limit, lambda item: (item["key"] or "",), lambda item: item)}

    return api
