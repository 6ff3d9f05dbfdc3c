"""Bookings come back as news of the next free slot, through the real relay, broker and consumer."""

import json
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pika
import pytest

from chassis import amqp
from chassis.clock import new_id
from devkit.testing import assert_valid, bearer, example, publish, running
from devkit.waiting import eventually

HALF = timedelta(minutes=30)


class News:
    """What doctor-service would hear."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._heard: list[dict[str, Any]] = []

    def of(self, doctor: str) -> list[tuple[int, datetime | None]]:
        """(version, start) of each next free slot of the doctor that was told."""
        queue = amqp.queue("doctor-service", "appointment-service", "next-available-changed")
        while (message := self._channel.basic_get(queue, auto_ack=True))[0]:
            event = json.loads(message[2])
            assert_valid(event)
            self._heard.append(event["data"])
        return [
            (item["version"], slot and datetime.fromisoformat(slot["start"]))
            for item in self._heard
            if item["doctorId"] == doctor
            for slot in [item["nextAvailable"]]
        ]


@pytest.fixture(scope="module")
def news(env: dict[str, str], amqp_url: str) -> Iterator[News]:
    with (
        running("appointment_service.relay", env),
        running("appointment_service.consumer", env),
        pika.BlockingConnection(pika.URLParameters(amqp_url)) as connection,
    ):
        yield News(connection.channel())


def test_the_next_free_slot_follows_what_is_booked_cancelled_and_closed(clinic: Any, news: News, amqp_url: str) -> None:
    doctor, patient = new_id(), new_id()
    terms = {"minNoticeMinutes": 60, "timezone": "UTC", "weekly": [], "slotMinutes": 30, "bufferMinutes": 0}
    tomorrow = (clinic.clock() + timedelta(days=1)).date()
    terms["overrides"] = [{"date": tomorrow.isoformat(), "windows": [{"from": "09:00", "to": "11:00"}]}]
    first = datetime.fromisoformat(f"{tomorrow}T09:00:00Z")
    announced = example("doctor-updated", doctorId=doctor, version=1)
    announced["data"]["calendar"].update(terms)
    publish(amqp_url, announced)
    eventually(lambda: news.of(doctor) == [(1, first)])

    began = time.monotonic()
    booked = clinic.booked(patient, doctor, first)
    eventually(lambda: news.of(doctor)[1:] == [(2, first + HALF)], every=0.01)
    clinic.act("cancel", booked, bearer(doctor, "doctor"))
    eventually(lambda: news.of(doctor)[2:] == [(3, first)], every=0.01)
    assert time.monotonic() - began < 4

    publish(amqp_url, example("user-deactivated", userId=doctor, role="doctor", version=2))
    eventually(lambda: news.of(doctor)[3:] == [(4, None)])
    publish(amqp_url, example("user-recovered", userId=doctor, role="doctor", version=3))
    eventually(lambda: news.of(doctor)[4:] == [(5, first)])
