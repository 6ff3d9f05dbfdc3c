"""The consumer process: what auth-service does when user-service announces something."""

# the chassis patches the standard library, so it is imported before anything else
# isort: off
from chassis.consumer import event_handler, rpc, serve

# isort: on

from collections.abc import Sequence
from typing import Any

from pymongo.client_session import ClientSession

from auth_service import calls, events
from auth_service.bootstrap import build
from auth_service.config import Config
from chassis import telemetry
from chassis.snapshots import PAGE, Told

config = Config.read_or_exit()
telemetry.begin(config, events.SOURCE, "consumer")
built = build(config)


class Consumer:
    name = events.SOURCE
    inbox = built.inbox

    @event_handler("user-service", "user-updated", events.UserUpdated)
    def user_updated(self, event: events.UserUpdated, session: ClientSession) -> None:
        built.service.accounts.user_updated(event, session)

    @event_handler("user-service", "user-deactivated", events.UserDeactivated)
    def user_deactivated(self, event: events.UserDeactivated, session: ClientSession) -> None:
        built.service.accounts.user_deactivated(event, session)

    @event_handler("user-service", "user-recovered", events.UserRecovered)
    def user_recovered(self, event: events.UserRecovered, session: ClientSession) -> None:
        built.service.accounts.user_recovered(event, session)

    @event_handler("user-service", "user-suspended", events.UserSuspended)
    def user_suspended(self, event: events.UserSuspended, session: ClientSession) -> None:
        built.service.accounts.user_suspended(event, session)

    @event_handler("user-service", "user-reinstated", events.UserReinstated)
    def user_reinstated(self, event: events.UserReinstated, session: ClientSession) -> None:
        built.service.accounts.user_reinstated(event, session)

    @event_handler("user-service", "user-deleted", events.UserDeleted)
    def user_deleted(self, event: events.UserDeleted, session: ClientSession) -> None:
        built.service.accounts.user_deleted(event, session)

    @rpc(calls.Token)
    def one_time_token(self, token_request_id: str) -> dict[str, Any]:
        return built.service.one_time_tokens.told(token_request_id)

    @rpc(calls.Registration)
    def registration(self, user_id: str) -> dict[str, Any]:
        return built.service.accounts.registration(user_id)

    @rpc(Told[calls.Account])
    def snapshot_accounts(self, after: str = "", limit: int = PAGE, ids: Sequence[str] | None = None) -> dict[str, Any]:
        """What is told now of these accounts and their addresses, or of all, page by page (Snapshot.page)."""
        return built.snapshot.page(after, limit, ids)

    @rpc(dict[str, Any])
    def export_user(self, user_id: str) -> dict[str, Any]:
        return built.service.accounts.told(user_id)


if __name__ == "__main__":
    serve(Consumer, config)
