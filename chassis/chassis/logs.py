"""JSON log lines on stdout: one per unit of work, each with its request id."""

import json
import logging
import re
import sys

import orjson
import structlog

# a duplicate key's error repeats the value, an e-mail address for instance
_DUPLICATE = re.compile(r"dup key: .*")


def _dumps(line: dict[str, object], **_: object) -> str:
    try:
        return orjson.dumps(line, default=repr).decode()
    except TypeError:
        # half a surrogate pair, a key that is no text, a number of more than 64 bits: a line is still a line
        return json.dumps({str(key): value for key, value in line.items()}, default=repr)


def _without_values(_logger: object, _name: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return {key: _DUPLICATE.sub("dup key", value) if isinstance(value, str) else value for key, value in line.items()}


def configure(service: str, process: str, level: str = "INFO") -> None:
    """Send structlog's and the standard library's records to stdout as JSON, named by service and process."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _without_values,
        lambda _logger, _name, line: {"service": service, "process": process, **line},
    ]
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=_dumps),
            ],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(level)
    # The drivers would tell what they carry, a document or a message: at DEBUG, and pika at WARNING the beginning of
    # a message that no queue takes. What matters is logged by who uses them.
    for driver, least in (("pika", logging.ERROR), ("pymongo", logging.WARNING), ("amqp", logging.WARNING)):
        logging.getLogger(driver).setLevel(least)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
