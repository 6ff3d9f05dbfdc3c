"""Traces by OpenTelemetry, over HTTP and events, where OTEL_EXPORTER_OTLP_ENDPOINT is set (ADR 0036).

Without it nothing of OpenTelemetry is imported, and all that happens here is a look at whether it is on. Spans are
named by templates and types, and hold no id of a person: the request's id leads from a span to the log lines.
"""

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Literal

from chassis.context import request_id

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

HEADER = "traceparent"
"""Of HTTP and of messages, and the attribute of an event (W3C Trace Context, CloudEvents' tracing extension)."""

SEND_SECONDS = 2
"""For a batch of spans, all attempts together; also what the end of a process waits for while the collector is away."""

Kind = Literal["server", "client", "producer", "consumer", "internal"]

_OFF: AbstractContextManager[None] = nullcontext()
_tracer: "Tracer | None" = None


def begin(service: str, process: str, endpoint: str | None) -> None:
    """Trace this process, and send its spans to the collector at ``endpoint``, a base URL; not at all without one."""
    global _tracer
    if endpoint:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        provider = TracerProvider(resource=Resource.create({"service.name": service, "suite.process": process}))
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=SEND_SECONDS)
        provider.add_span_processor(BatchSpanProcessor(exporter))
        _tracer = provider.get_tracer("chassis")


def is_on() -> bool:
    return _tracer is not None


def span(
    name: str, kind: Kind = "internal", parent: object = None, /, **attributes: str | int
) -> AbstractContextManager["Span | None"]:
    """Within the block, a span, the child of ``parent``: a traceparent, from whom it is believed.

    Without one it is the child of the span around it, or the first of a trace. What is no traceparent counts as none.
    """
    return _span(_tracer, name, kind, parent, attributes) if _tracer else _OFF


def tell_request(span: "Span", method: str, route: str, status: int) -> None:
    """Name the span of a request by its route's template, and say how it was answered."""
    span.update_name(f"{method} {route}")
    span.set_attributes({"http.request.method": method, "http.route": route, "http.response.status_code": status})
    if status >= 500:
        failed(span, str(status))


def traceparent() -> str | None:
    """The present span, for who is called next or acts on what happens now; None outside of one."""
    if _tracer is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get(HEADER)


def failed(span: "Span", what: str) -> None:
    """Mark a span as failed, by a code or the name of an error; never by its text, which may tell of people."""
    from opentelemetry.trace import Status, StatusCode

    span.set_status(Status(StatusCode.ERROR, what))


@contextmanager
def _span(
    tracer: "Tracer", name: str, kind: Kind, parent: object, attributes: Mapping[str, str | int]
) -> Iterator["Span"]:
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    around: Any = None
    if isinstance(parent, str):
        around = TraceContextTextMapPropagator().extract({HEADER: parent})
    with tracer.start_as_current_span(
        name,
        context=around,
        kind=SpanKind[kind.upper()],
        attributes={**attributes, **({"suite.request_id": identifier} if (identifier := request_id()) else {})},
        record_exception=False,
        set_status_on_exception=False,
    ) as present:
        try:
            yield present
        except Exception as error:
            failed(present, type(error).__name__)
            raise
