"""The consumer process: nameko event handlers and RPC methods. The only package that knows nameko and eventlet.

A service's ``consumer.py`` is made of these:

    from chassis.consumer import event_handler, rpc, serve      # first import: it patches the standard library

    class Consumer:
        name = "review-service"
        inbox = service.inbox

        @event_handler("user-service", "user-deleted", UserDeleted)
        def user_deleted(self, event: UserDeleted, session: ClientSession) -> None: ...

        @rpc(dict[str, Any])
        def export_user(self, user_id: str) -> dict: ...

    serve(Consumer, config)
"""

import eventlet

# before anything else is imported, so that everything below sees the patched standard library
eventlet.monkey_patch()

from chassis.consumer.handlers import event_handler, rpc  # noqa: E402
from chassis.consumer.process import serve  # noqa: E402
from chassis.consumer.queues import Poison  # noqa: E402

__all__ = ["Poison", "event_handler", "rpc", "serve"]
