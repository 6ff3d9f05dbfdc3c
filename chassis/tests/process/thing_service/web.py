"""The web process, for gunicorn."""

import gevent
from pydantic import Field

from chassis import context, logs
from chassis.api import PUBLIC, Api
from chassis.config import IN_A_WORKER, BaseConfig
from chassis.schemas import Body
from chassis.web import create_flask
from thing_service import NAME


class Blob(Body):
    text: str = Field("", max_length=2_000_000)


def things() -> Api:
    api = Api("things")

    @api.post("/blob", access=PUBLIC)
    def blob(body: Blob) -> int:
        return len(body.text)

    @api.post("/bell", access=PUBLIC)
    def bell() -> None: ...

    @api.get("/slowly", access=PUBLIC)
    def slowly() -> list[str | None]:
        before = context.request_id()
        gevent.sleep(0.2)
        return [before, context.request_id()]

    @api.get("/late", access=PUBLIC)
    def late() -> str:
        gevent.sleep(1)
        return "whole"

    @api.get("/never", access=PUBLIC)
    def never() -> None:
        gevent.sleep(600)

    return api


logs.configure(NAME, "web")
app = create_flask(NAME, BaseConfig.read_or_exit(IN_A_WORKER), apis=[things()], checks={})
