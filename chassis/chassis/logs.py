"""JSON log lines on stdout: one per unit of work, each with its request id."""

import logging
import sys

import orjson
import structlog


def _dumps(line: dict[str, object], **_: object) -> str:
    return orjson.dumps(line, default=repr).decode()


def configure(service: str, process: str, level: str = "INFO") -> None:
    """Send structlog's and the standard library's records to stdout as JSON, named by service and process."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
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
    # pika tells every step of a connection at INFO; what matters is logged by who uses it
    logging.getLogger("pika").setLevel(logging.WARNING)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
