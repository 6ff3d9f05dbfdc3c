"""The consumer process: what user-service does when others announce something, and what they can ask it."""

# the chassis patches the standard library, so it is imported before anything else
# isort: off
from chassis.consumer import event_handler, rpc, serve
# isort: on

from collections.abc import Sequence
from typing import Any

from pymongo.client_session import ClientSession

from chassis import telemetry
from chassis.snapshots import PAGE, Told
from user_service import calls, events
from user_service.bootstrap import build
from user_service.config import Config

config = Config.read_or_exit()
telemetry.begin(config, events.SOURCE, "consumer")
built = build(config)


def receipts_of(service: str) -> Any:
    """The handler of one service's receipts: each service publishes them on its own exchange."""

    @event_handler(service, "user-data-erased", events.UserDataErased)
    def user_data_erased(_: Any, event: events.UserDataErased, session: ClientSession) -> None:
        built.service.erasures.receipt(service, event, session)

    return user_data_erased


def audit_of(service: str) -> Any:
    """The handler of one service's audit entries."""

    @event_handler(service, "audit-recorded", events.AuditRecorded)
    def audit_recorded(_: Any, event: events.AuditRecorded, session: ClientSession) -> None:
        built.service.audit.recorded(service, event, session)

    return audit_recorded


class Consumer:
    name = events.SOURCE
    inbox = built.inbox

    @event_handler("auth-service", "user-registered", events.UserRegistered)
    def user_registered(self, event: events.UserRegistered, session: ClientSession) -> None:
        built.service.profiles.registered(event, session)

    @event_handler("auth-service", "email-verified", events.EmailVerified)
    def email_verified(self, event: events.EmailVerified, session: ClientSession) -> None:
        built.service.profiles.email_verified(event, session)

    @event_handler("appointment-service", "appointment-requested", events.AppointmentChanged)
    def appointment_requested(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        # the doctor who is to decide has to know whom about
        built.service.relations.relate(event, cancelled=False, session=session)

    @event_handler("appointment-service", "appointment-booked", events.AppointmentChanged)
    def appointment_booked(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        built.service.relations.relate(event, cancelled=False, session=session)

    @event_handler("appointment-service", "appointment-cancelled", events.AppointmentChanged)
    def appointment_cancelled(self, event: events.AppointmentChanged, session: ClientSession) -> None:
        built.service.relations.relate(event, cancelled=True, session=session)

    user_data_erased_by_auth = receipts_of("auth-service")
    user_data_erased_by_doctor = receipts_of("doctor-service")
    user_data_erased_by_appointment = receipts_of("appointment-service")
    user_data_erased_by_review = receipts_of("review-service")
    user_data_erased_by_scheduler = receipts_of("scheduler-service")

    audit_recorded_by_auth = audit_of("auth-service")
    audit_recorded_by_doctor = audit_of("doctor-service")
    audit_recorded_by_appointment = audit_of("appointment-service")
    audit_recorded_by_review = audit_of("review-service")
    audit_recorded_by_scheduler = audit_of("scheduler-service")

    @rpc(calls.Recovered)
    def recover_account(self, user_id: str) -> dict[str, Any]:
        return built.service.accounts.recover(user_id)

    @rpc(calls.Purged)
    def purge_due_accounts(self, limit: int = 100) -> dict[str, Any]:
        return {"purged": built.service.erasures.purge_due(limit)}

    @rpc(calls.Reannounced)
    def reannounce_late_erasures(self, limit: int = 100) -> dict[str, Any]:
        return {"reannounced": built.service.erasures.reannounce_late(limit)}

    @rpc(Told[calls.User])
    def snapshot_users(self, after: str = "", limit: int = PAGE, ids: Sequence[str] | None = None) -> dict[str, Any]:
        """What is told now of these users and of their accounts, or of all, page by page (Snapshot.page)."""
        return built.snapshot.page(after, limit, ids)

    @rpc(calls.Contact)
    def contact(self, user_id: str) -> dict[str, Any]:
        return built.service.accounts.contact(user_id)


if __name__ == "__main__":
    serve(Consumer, config)
