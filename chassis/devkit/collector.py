"""A collector of traces for tests: takes OTLP over HTTP, and keeps what it is told."""

import gzip
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Span:
    service: str
    process: str
    name: str
    trace: str
    id: str
    parent: str
    """Empty for the first of a trace."""
    attributes: dict[str, Any]


class Collector:
    """Listens on a port of its own as long as the block lasts."""

    def __init__(self) -> None:
        self.spans: list[Span] = []
        """In the order in which they came."""

    def __enter__(self) -> "Collector":
        kept = self.spans

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                kept.extend(read(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def trace_of(self, request_id: str) -> list[Span]:
        """What came so far of the traces that hold a span of this request."""
        traces = {span.trace for span in self.spans if span.attributes.get("suite.request_id") == request_id}
        return [span for span in self.spans if span.trace in traces]


def read(body: bytes) -> list[Span]:
    """The spans of an ExportTraceServiceRequest."""
    # not for every process of the tests
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    found = []
    for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
        who = _attributes(resource.resource.attributes)
        for span in (span for scope in resource.scope_spans for span in scope.spans):
            identifiers = (span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex())
            attributes = _attributes(span.attributes)
            found.append(Span(who["service.name"], who["suite.process"], span.name, *identifiers, attributes))
    return found


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
