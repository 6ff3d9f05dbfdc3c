"""`make logs`, `make mail` and `make status`: what the suite has to say, for people."""

import email
import email.policy
import os
import sys
from pathlib import Path

from devkit import say
from devkit.suite import Instance, Row


def print_status(rows: list[Row]) -> bool:
    """Print the table of processes; whether all are healthy."""
    say.line(f"{'process':24} {'pid':>7}  {'state':9} {'healthy':8} {'uptime':9} metrics")
    for row in rows:
        uptime = f"{row.uptime // 3600}:{row.uptime // 60 % 60:02}:{row.uptime % 60:02}"
        where = f"127.0.0.1:{row.metrics_port}/metrics" if row.metrics_port else ""
        healthy = "yes" if row.healthy else "NO"
        say.line(f"{row.name:24} {row.pid or '-':>7}  {row.state:9} {healthy:8} {uptime:9} {where}")
    return all(row.healthy for row in rows)


def show_logs(instance: Instance, process: str | None, follow: bool) -> None:
    """Become `tail` over one log or all of them."""
    folder = instance.folder / "log"
    files = [instance.log(process)] if process else sorted(folder.glob("*.log"))
    if not files or not all(file.exists() for file in files):
        known = ", ".join(sorted(file.stem for file in folder.glob("*.log"))) or "none yet"
        raise say.Failure(f"no log of {process or 'anything'}; there is: {known}")
    sys.stdout.flush()
    os.execvp("tail", ["tail", "-n", "100" if process else "20", *(["-F"] if follow else []), *map(str, files)])


def print_mail(folder: Path) -> None:
    mails = sorted(folder.glob("*.eml"))
    for path in mails:
        message = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        say.line("-" * 78)
        for header in ("Date", "From", "X-Envelope-To", "Subject"):
            say.line(f"{header.removeprefix('X-Envelope-')}: {message.get(header, '')}")
        body = message.get_body(("plain", "html"))
        say.line()
        say.line(str(body.get_content()).rstrip() if body else "(no text)")
    say.line("-" * 78)
    say.line(f"{len(mails)} mails in {folder}")
