"""The mails that the suite sent, as its catcher wrote them."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

from devkit.suite import Instance


def mails_to(suite: Instance, address: str) -> list[EmailMessage]:
    """The mails to an address, the oldest first."""
    files = sorted(Path(suite.mail_folder).rglob("*.eml"), key=lambda path: path.stat().st_mtime)
    mails = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
    return [mail for mail in mails if address in str(mail["To"])]
