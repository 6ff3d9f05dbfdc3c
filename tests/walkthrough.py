"""A clinic's day, through the gateway alone: each step is printed and checked. ``make demo`` runs it.

GATEWAY_URL=http://127.0.0.1:8080 ADMIN_EMAIL=... ADMIN_PASSWORD=... python -m tests.walkthrough
"""

import os
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

from tests.client import Gateway, Person, Surprise, eventually
from tests.clinic import PROFILE, book, hours, slots

CROWD = 50


class Day:
    """The walk-through; ``tell`` gets each line. As many as ``crowd`` patients want one slot."""

    def __init__(
        self, url: str, admin_email: str, admin_password: str, tell: Callable[[str], None], crowd: int = CROWD
    ) -> None:
        self.gateway = Gateway(url)
        self._admin = (admin_email, admin_password)
        self._tell = tell
        self._crowd = crowd
        self._number = 0

    def run(self) -> None:
        """The whole day. Raises Surprise at the first thing that is not as it should be."""
        patient, doctor = self.arrivals()
        admin = self.opening(doctor)
        self.booking(patient, doctor)
        self.rush(doctor)
        self.waiting(doctor)
        self.deciding(admin)
        self.visit(patient, doctor)
        self.record(patient, doctor, admin)
        self.followers(patient, doctor)
        self.devices(patient, admin)
        self.leaving_and_coming_back(patient)
        self.night(admin)

    def arrivals(self) -> tuple[Person, Person]:
        self._step("A patient and a doctor sign up")
        patient, doctor = self.gateway.sign_up("Ann Lee"), self.gateway.sign_up("Ben Ito", role="doctor")
        self._seen(f"patient {patient.email}, doctor {doctor.email}")
        me = patient.get("/users/me").expect(200)
        self._seen(f"the profile is there at once: {me.data['name']}, {me.data['status']}")
        seen = {"If-Match": me.headers["ETag"]}
        changed = patient.call("PATCH", "/users/me", {"timezone": "Europe/Berlin"}, headers=seen)
        self._seen(f"her time zone is set: {changed.expect(200).data['timezone']}")
        stale = patient.call("PATCH", "/users/me", {"timezone": "Asia/Tokyo"}, headers=seen)
        self._seen(f"a change made on a stale copy is refused: {stale.expect(412).status}")

        self._step("Tokens are rotated")
        first = patient.tokens["refreshToken"]
        second = self.gateway.call("POST", "/auth/refresh", {"refreshToken": first}).expect(200)
        again = self.gateway.call("POST", "/auth/refresh", {"refreshToken": first}).expect(200)
        self._check(second.data["refreshToken"] == again.data["refreshToken"] != first, "one successor")
        patient.tokens = second.data
        self._seen("a refresh token gives one successor, the same one when asked twice at once")
        wrong = self.gateway.call("POST", "/auth/login", {"email": patient.email, "password": "not hers at all"})
        self._seen(f"a wrong password: {wrong.expect(401, 'INVALID_CREDENTIALS').code}")
        return patient, doctor

    def opening(self, doctor: Person) -> Person:
        self._step("The doctor opens a practice, and an admin approves it")
        profile = doctor.put("/doctors/me", PROFILE).expect(201).data
        self._seen(f"profile: {profile['specialty']}, {profile['moderationStatus']}")
        self.gateway.call("GET", f"/doctors/{doctor.id}").expect(404)
        self._seen("nobody sees it yet")
        admin = self.gateway.log_in(*self._admin)
        admin.post(f"/admin/doctors/{doctor.id}/approve").expect(200)
        calendar = doctor.put("/doctors/me/availability", hours()).expect(200).data
        self._seen(f"approved; open every day in {calendar['timezone']}, {calendar['slotMinutes']} minutes a slot")
        card = self.gateway.call("GET", f"/doctors/{doctor.id}").expect(200).data
        self._check(doctor.id in self._listed("Cardiology"), "the doctor is listed")
        self._seen(f"anyone finds {card['name']} now")
        return admin

    def _listed(self, specialty: str) -> set[str]:
        """The ids of all who are: a suite that was tried often has more than a page of them."""
        ids: set[str] = set()
        more = ""
        while True:
            found = self.gateway.call("GET", f"/doctors?specialty={specialty}&limit=100{more}").expect(200).data
            ids |= {item["id"] for item in found["items"]}
            if not found["nextCursor"]:
                return ids
            more = f"&cursor={found['nextCursor']}"

    def booking(self, patient: Person, doctor: Person) -> None:
        self._step("The patient books")
        free = eventually("the doctor's slots", lambda: slots(self.gateway, doctor))
        self._seen(f"{len(free)} slots in the next days, the first at {free[0]['start']}")
        start = free[-1]["start"]
        booked = book(patient, doctor, start).expect(201).data
        self._seen(f"booked: {booked['start']} to {booked['end']}, {booked['status']}")
        other = self.gateway.sign_up("Cem Aydin")
        self._seen(f"another patient wants the same slot: {book(other, doctor, start).expect(409, 'SLOT_TAKEN').code}")
        self._check(start not in _starts(slots(self.gateway, doctor)), "a booked slot is offered no more")
        patient.post(f"/appointments/{booked['id']}/cancel", {"reason": "I feel better"}).expect(200)
        self._check(start in _starts(slots(self.gateway, doctor)), "a cancelled slot is offered again")
        self._seen("she cancels, and the slot is free again")
        again = book(other, doctor, start).expect(201).data
        self._seen(f"the other patient takes it: {again['status']}")
        wish = {"doctorId": doctor.id, "start": free[-3]["start"]}
        sent = [patient.post("/appointments", wish, headers={"Idempotency-Key": "evening"}) for _ in range(2)]
        self._check(sent[0].expect(201).data == sent[1].expect(201).data, "a retry is answered the same")
        self._seen(f"she books another, and sends it twice: one booking, {sent[0].data['start']}")
        path = f"/appointments/{sent[0].data['id']}"
        patient.post(f"{path}/reschedule", {"start": start}).expect(409, "SLOT_TAKEN")
        moved = patient.post(f"{path}/reschedule", {"start": free[-5]["start"]}).expect(200).data
        self._seen(f"moved to {moved['start']}; to a taken time it was refused, and the old one stood")
        file = patient.get(f"{path}/calendar.ics").expect(200).text
        self._seen(f"her calendar reads it: {next(line for line in file.splitlines() if 'SEQUENCE' in line)}")
        patient.post(f"{path}/cancel").expect(200)

    def rush(self, doctor: Person) -> None:
        self._step(f"{self._crowd} patients want one slot at the same moment")
        with ThreadPoolExecutor(self._crowd) as pool:
            crowd = list(pool.map(lambda number: self.gateway.sign_up(f"Patient {number}"), range(self._crowd)))
            start = slots(self.gateway, doctor)[-1]["start"]
            barrier = Barrier(self._crowd)

            def rush(patient: Person) -> tuple[int, str | None]:
                barrier.wait()
                answer = book(patient, doctor, start)
                return answer.status, answer.code

            answers = Counter(pool.map(rush, crowd))
        self._check(
            answers == {(201, None): 1, (409, "SLOT_TAKEN"): self._crowd - 1}, f"one winner, not {dict(answers)}"
        )
        self._seen(f"one 201, {self._crowd - 1} times 409 SLOT_TAKEN")

    def waiting(self, doctor: Person) -> None:
        self._step("A full day: two wait, and a freed slot goes to the first of them")
        owner, first, second = (self.gateway.sign_up(name) for name in ("Ina Sol", "Joe Fox", "Kim Ray"))
        start = slots(self.gateway, doctor)[-1]["start"]
        booked = book(owner, doctor, start).expect(201).data
        day = datetime.fromisoformat(start).date()
        dates = {"from": str(day - timedelta(days=1)), "to": str(day + timedelta(days=1))}
        places = [one.post(f"/doctors/{doctor.id}/waitlist", dates).expect(201).data for one in (first, second)]
        owner.post(f"/appointments/{booked['id']}/cancel").expect(200)
        refused = book(second, doctor, start).expect(409, "SLOT_TAKEN")
        self._seen(f"it is held: booking it is refused, {refused.code}")
        first.post(f"/waitlist/{places[0]['id']}/decline").expect(200)
        self._seen("the first does not want it: it passes on")
        taken = second.post(f"/waitlist/{places[1]['id']}/accept").expect(200).data
        self._seen(f"the second accepts: {taken['status']}, {taken['start']}")

    def deciding(self, admin: Person) -> None:
        self._step("Another doctor decides on each request")
        doctor, patient = self.gateway.sign_up("Lia Moe", role="doctor"), self.gateway.sign_up("Max Orr")
        doctor.put("/doctors/me", {**PROFILE, "specialty": "Dermatology"}).expect(201)
        admin.post(f"/admin/doctors/{doctor.id}/approve").expect(200)
        doctor.put("/doctors/me/availability", hours(requiresConfirmation=True)).expect(200)
        free = eventually("the doctor's slots", lambda: slots(self.gateway, doctor))
        asked = [book(patient, doctor, free[number]["start"]).expect(201).data for number in (4, 8)]
        self._seen(f"two times are asked for: {asked[0]['status']}")
        confirmed = doctor.post(f"/appointments/{asked[0]['id']}/confirm").expect(200).data
        declined = doctor.post(f"/appointments/{asked[1]['id']}/decline", {"reason": "A conference."}).expect(200).data
        self._seen(f"one is confirmed, one declined: {confirmed['status']}, {declined['status']}")
        figures = doctor.get("/doctors/me/analytics?groupBy=week" + _this_week()).expect(200).data["totals"]
        self._seen(f"her figures: {figures['bookedMinutes']} of {figures['offeredMinutes']} minutes booked")

    def visit(self, patient: Person, doctor: Person) -> None:
        self._step("A visit, and a review of it")
        booked = book(patient, doctor, slots(self.gateway, doctor)[0]["start"]).expect(201).data
        early = patient.post(f"/appointments/{booked['id']}/review", {"rating": 5})
        self._seen(f"a review before the visit: {early.expect(409, 'NOT_REVIEWABLE').code}")
        arrived = doctor.post(f"/appointments/{booked['id']}/check-in").expect(200).data
        self._seen(f"she has arrived: {arrived['status']}")
        done = doctor.post(f"/appointments/{booked['id']}/complete").expect(200).data
        self._seen(f"the doctor completes it: {done['status']}")
        review = eventually(
            "the review to be accepted",
            lambda: patient.post(
                f"/appointments/{booked['id']}/review", {"rating": 5, "comment": "Kind and quick."}
            ).expect(201),
        ).data
        self._seen(f"{review['author']} gives {review['rating']} of 5")
        twice = patient.post(f"/appointments/{booked['id']}/review", {"rating": 1})
        self._seen(f"a second review: {twice.expect(409, 'ALREADY_REVIEWED').code}")
        rating = self.gateway.call("GET", f"/doctors/{doctor.id}/rating").expect(200).data
        self._check(rating["average"] == 5 and rating["count"] == 1, f"the rating counts it: {rating}")
        eventually(
            "the rating on the doctor's card",
            lambda: self.gateway.call("GET", f"/doctors/{doctor.id}").data["rating"] == {"average": 5, "count": 1},
        )
        self._seen("the doctor's card shows 5.0 from one review")
        doctor.put(f"/reviews/{review['id']}/reply", {"text": "Thank you."}).expect(200)
        patient.call("PATCH", f"/reviews/{review['id']}", {"rating": 4}).expect(200)
        eventually(
            "the new rating on the card",
            lambda: self.gateway.call("GET", f"/doctors/{doctor.id}").data["rating"]["average"] == 4,
        )
        self._seen("the doctor answers, she takes a star away, and the card follows")

    def followers(self, patient: Person, doctor: Person) -> None:
        self._step("The patient follows the doctor")
        patient.put(f"/doctors/{doctor.id}/follow").expect(200)
        patient.put(f"/doctors/{doctor.id}/follow").expect(200)
        count = self.gateway.call("GET", f"/doctors/{doctor.id}").data["followers"]
        self._check(count == 1, f"following twice counts once, not {count}")
        following = patient.get("/users/me/following").expect(200).data["items"]
        self._seen(f"{count} follower; she follows {len(following)}")
        patient.call("DELETE", f"/doctors/{doctor.id}/follow").expect(200)
        self._check(self.gateway.call("GET", f"/doctors/{doctor.id}").data["followers"] == 0, "nobody follows")
        self._seen("and unfollows")

    def record(self, patient: Person, doctor: Person, admin: Person) -> None:
        self._step("The patient's record is seen by who treats her, and she sees who looked")
        stranger = self.gateway.sign_up("Dan Oh", role="doctor")
        saved = patient.put("/patients/me", {"bloodGroup": "A-", "allergies": ["Penicillin"]}).expect(200).data
        self._seen(f"she notes {saved['allergies'][0]}, version {saved['version']}")
        path = f"/patients/{patient.id}"
        shown = eventually("the doctor to see the record", lambda: doctor.get(path).expect(200)).data
        self._seen(f"her doctor reads it: {shown['allergies'][0]}")
        self._seen(f"another doctor: {stranger.get(path).expect(404).code}")

        def told() -> bool:
            log = patient.get("/users/me/access-log").expect(200).data["items"]
            looks = {(item["actor"]["name"], item["refusedFor"]) for item in log if item["action"] == "patient.read"}
            return looks == {("Ben Ito", None), ("Dan Oh", "NOT_FOUND")}

        eventually("both looks to be told", told)
        self._seen("she sees that her doctor looked, and that the other one was refused")
        admin.get(f"/admin/audit?subjectId={patient.id}&action=patient.read").expect(200)
        parts = patient.get("/users/me/export").expect(200).data["services"]
        self._seen(f"and what the suite holds about her, from {', '.join(parts)} and user-service")

    def devices(self, patient: Person, admin: Person) -> None:
        self._step("A device is signed out, an account is suspended")
        laptop = self.gateway.log_in(patient.email, patient.password)
        self._seen(f"{len(patient.get('/auth/sessions').expect(200).data['items'])} devices are signed in")
        patient.call("DELETE", f"/auth/sessions/{laptop.tokens['sessionId']}").expect(200)
        eventually("its token to be refused", lambda: laptop.get("/users/me").expect(401, "TOKEN_REVOKED"))
        self._seen(f"one is ended from the other: its access token is refused; here: {patient.get('/users/me').status}")
        troll = self.gateway.sign_up("Eve Roe")
        reason = {"reason": "Abusive messages."}
        admin.post(f"/admin/users/{troll.id}/suspend", reason).expect(200)
        eventually("the token to be refused", lambda: troll.get("/users/me").expect(401, "TOKEN_REVOKED"))
        eventually("the login to be refused", lambda: troll.log_in().expect(403, "ACCOUNT_SUSPENDED"))
        admin.post(f"/admin/users/{troll.id}/reinstate").expect(200)
        eventually("the login", lambda: troll.log_in().expect(200))
        self._seen("a suspended account is out within a second, and in again once it is reinstated")

    def leaving_and_coming_back(self, patient: Person) -> None:
        self._step("The patient deletes her account, and changes her mind")
        gone = patient.call("DELETE", "/users/me", {"reason": "NO_LONGER_NEEDED"}).expect(200).data
        self._seen(f"{gone['status']}, to be purged at {gone['scheduledDeletionAt']}")
        refused = eventually("the login to be refused", lambda: patient.log_in().expect(403, "ACCOUNT_DELETED"))
        self._seen(f"signing in: {refused.code}")
        back = self.gateway.call("POST", "/auth/recover", {"email": patient.email, "password": patient.password})
        patient.tokens = back.expect(200).data
        self._seen(f"recovered: {patient.get('/users/me').expect(200).data['status']}")

    def night(self, admin: Person) -> None:
        self._step("At night, accounts past their window are purged")
        run = admin.post("/admin/jobs/purge-accounts/run").expect(202).data

        def finished() -> dict[str, object] | None:
            runs = admin.get("/admin/jobs/purge-accounts/runs").expect(200).data["items"]
            return next((item for item in runs if item["id"] == run["id"] and item["finishedAt"]), None)

        done = eventually("the job to finish", finished, seconds=30)
        self._check(done["status"] == "SUCCEEDED", f"the job succeeded: {done}")
        self._seen(f"purge-accounts {done['status']}: {done['result']}")

    def _step(self, title: str) -> None:
        self._number += 1
        self._tell(f"\n{self._number}. {title}")

    def _seen(self, line: str) -> None:
        self._tell(f"   - {line}")

    @staticmethod
    def _check(holds: bool, what: str) -> None:
        if not holds:
            raise Surprise(f"does not hold: {what}")


def _this_week() -> str:
    today = datetime.now(UTC).date()
    return f"&from={today - timedelta(days=1)}&to={today + timedelta(days=6)}"


def _starts(items: list[dict[str, str]]) -> set[str]:
    return {item["start"] for item in items}


def main() -> int:
    url = os.environ["GATEWAY_URL"]
    try:
        Day(url, os.environ["ADMIN_EMAIL"], os.environ["ADMIN_PASSWORD"], lambda line: print(line, flush=True)).run()
    except Surprise as surprise:
        print(f"\nNOT AS IT SHOULD BE: {surprise}", file=sys.stderr)
        return 1
    print("\nEverything was as it should be.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
