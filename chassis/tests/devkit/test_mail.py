import smtplib
import subprocess
from email.message import EmailMessage
from pathlib import Path

import pytest

from devkit import ports, reading
from devkit.health import Check
from devkit.layout import CHASSIS, venv_python
from devkit.waiting import eventually


def test_a_mail_is_kept_whole_and_can_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    block = ports.PortBlock.take()
    command = [str(venv_python("tools")), "-m", "devkit.mail_catcher", str(block.start), str(tmp_path)]
    with subprocess.Popen(command, env={"PYTHONPATH": str(CHASSIS)}, stderr=subprocess.DEVNULL) as catcher:
        try:
            eventually(Check("tcp", block.start).passes)
            message = EmailMessage()
            message["Subject"], message["To"] = "Your appointment – moved", "patient@clinic.example"
            message.set_content("It is at 10:30 now, not at 9:00.")
            with smtplib.SMTP("127.0.0.1", block.start) as smtp:
                smtp.send_message(message, "clinic@clinic.example", ["patient@clinic.example"])
            assert len(list(tmp_path.glob("*.eml"))) == 1
        finally:
            catcher.terminate()
    block.release()
    reading.print_mail(tmp_path)
    printed = capsys.readouterr().out
    assert "Subject: Your appointment – moved" in printed
    assert "It is at 10:30 now" in printed
