"""An SMTP server that delivers to a folder: `python -m devkit.mail_catcher PORT FOLDER`. Nothing leaves the machine."""

import asyncio
import itertools
import signal
import sys
import time
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session


class ToFolder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)
        folder.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        # Sorted by name is sorted by time, also across restarts.
        name = f"{time.time_ns():020d}-{next(self._numbers):06d}"
        content = envelope.content if isinstance(envelope.content, bytes) else (envelope.content or "").encode()
        recipients = ", ".join(str(recipient) for recipient in envelope.rcpt_tos)
        partial = self._folder / f".{name}.partial"
        partial.write_bytes(f"X-Envelope-To: {recipients}\r\n".encode() + content)
        # Whoever waits for a mail must never read half of one.
        partial.rename(self._folder / f"{name}.eml")
        return "250 kept"


async def serve(port: int, folder: Path) -> None:
    loop = asyncio.get_running_loop()
    handler = ToFolder(folder)
    server = await loop.create_server(lambda: SMTP(handler, enable_SMTPUTF8=True), "127.0.0.1", port)
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    async with server:
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
