"""JSON log lines on stdout: one per unit of work, each with its request id."""

import json
import logging
import re
import sys
from collections.abc import Mapping
from contextlib import suppress
from typing import ClassVar, TextIO

import orjson
import structlog

# a duplicate key's error repeats the value, an e-mail address for instance
_DUPLICATE = re.compile(r"dup key: .*")


class _Writer:
    """What structlog hands a logger's lines to, by the name of their level.

    Past the standard library's logging, which takes longer over a line than all that is in it.
    """

    __slots__ = ("name",)
    out: ClassVar[TextIO] = sys.stdout

    def __init__(self, name: str = "root") -> None:
        self.name = name

    def write(self, line: str) -> None:
        try:
            self.out.write(line + "\n")
            self.out.flush()
        except (OSError, ValueError):
            # nobody reads, or it was closed: no reason to fail at what the line tells of
            with suppress(OSError, ValueError):
                sys.stderr.write(line + "\n")

    debug = info = warning = error = critical = exception = write


def _dumps(_logger: object, _name: str, line: Mapping[str, object]) -> str:
    try:
        return orjson.dumps(line, default=repr).decode()
    except TypeError:
        # half a surrogate pair, a key that is no text, a number of more than 64 bits: a line is still a line
        return json.dumps({str(key): value for key, value in line.items()}, default=repr)


def _without_values(_logger: object, _name: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    for key, value in line.items():
        if isinstance(value, str) and "dup key" in value:
            line[key] = _DUPLICATE.sub("dup key", value)
    return line


def _named(logger: _Writer, _name: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    line["logger"] = logger.name
    return line


def configure(service: str, process: str, level: str = "INFO") -> None:
    """Send structlog's and the standard library's records to stdout as JSON, named by service and process."""

    def placed(_logger: object, _name: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return {"service": service, "process": process, **line}

    always: list[structlog.typing.Processor] = [
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_values,
        placed,
    ]
    context: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
    ]
    _Writer.out = sys.stdout
    structlog.configure(
        processors=[*context, _named, *always, _dumps],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=_Writer,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*context, structlog.stdlib.add_logger_name, *always],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _dumps],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(level)
    # The drivers would tell what they carry, a document or a message: at DEBUG, and pika at WARNING the beginning of
    # a message that no queue takes. What matters is logged by who uses them.
    for driver, least in (("pika", logging.ERROR), ("pymongo", logging.WARNING), ("amqp", logging.WARNING)):
        logging.getLogger(driver).setLevel(least)
