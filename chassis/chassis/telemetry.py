"""How a process is seen from outside: its log lines, its metrics and its traces, begun in one call."""

from chassis import logs, metrics, tracing
from chassis.config import BaseConfig


def begin(config: BaseConfig, service: str, process: str) -> None:
    """Log as this process of this service; trace, and serve metrics, where the configuration says so.

    Called once, before the process does anything; in a web process in each worker, which shows its metrics over HTTP.
    """
    logs.configure(service, process, config.log_level)
    tracing.begin(service, process, config.otel_exporter_otlp_endpoint)
    if process != "web":
        metrics.serve(config)
