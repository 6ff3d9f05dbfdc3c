"""The world of the table: its people, their things, and a thing of its own for each call that changes one."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.authorization.table import Row
from tests.client import Gateway, Person, eventually
from tests.clinic import PROFILE, bookable_doctor, hours, slots

_DOCUMENTS = Path(__file__).resolve().parents[2] / "contracts" / "openapi"
SECRET = "canary of Ann's, for Ben alone"
"""Written wherever Ann writes: nobody who was refused may read it."""

_OF_A_SESSION = ("/auth/logout", "/auth/logout-all", "/auth/password")
_ROLES = {"ann": "patient", "eve": "patient", "ben": "doctor", "dan": "doctor"}


class World:
    """Ann, Eve, Ben, Dan and the admin; what is shared is never changed, but for a cell that says so."""

    def __init__(self, gateway: Gateway, admin: Person) -> None:
        self.gateway = gateway
        self.people = {
            "ann": gateway.sign_up("Ann Lee"),
            "eve": gateway.sign_up("Eve Poe"),
            "ben": bookable_doctor(gateway, admin, "Ben Ito", requiresConfirmation=True),
            "dan": bookable_doctor(gateway, admin, "Dan Oh"),
            "admin": admin,
        }
        self.ann, self.ben, self.admin = self.people["ann"], self.people["ben"], admin
        self.ann.put("/patients/me", {"allergies": [SECRET]}).expect(200)
        self._starts = iter([slot["start"] for slot in slots(gateway, self.ben)][10:])
        # of Dan's, for Ann and Eve have enough to do with Ben earlier
        self._late = iter([slot["start"] for slot in reversed(slots(gateway, self.people["dan"]))])
        self._days = (datetime.now(UTC).date() + timedelta(days=days) for days in range(60, 90))
        self._makers: dict[str, Callable[[], str]] = {
            "session": lambda: str(gateway.log_in(self.ann.email, self.ann.password).tokens["sessionId"]),
            "patient": lambda: self.ann.id,
            "doctor": lambda: self.ben.id,
            "unwaited": lambda: self.people["dan"].id,
            "suspended": self._suspended,
            "applicant": self._applicant,
            "listed": self._listed,
            "barred": self._barred,
            "appointment": self._appointment,
            "request": self._request,
            "place": self._place,
            "visit": self._visit,
            "reviewed": lambda: self._review()[0],
            "review": lambda: self._review()[1],
            "date": self._override,
            "secret": lambda: str(self.ann.post("/calendar/feed").expect(201).data["secret"]),
            "job": lambda: "purge-accounts",
        }
        self._shared: dict[str, str] = {}
        self._examples = bodies()

    def shared(self, thing: str) -> str:
        """The id of Ann's and Ben's thing of this kind."""
        if thing not in self._shared:
            self._shared[thing] = self._makers[thing]()
        return self._shared[thing]

    def path(self, row: Row, *, fresh: bool = False) -> str:
        """The row's path with the id of its thing, ``fresh`` with one made for this call."""
        before, brace, rest = row.path.partition("{")
        if not brace:
            return row.path
        thing, _, after = rest.partition("}")
        if fresh and thing == "patient":
            return before + self.gateway.sign_up("Bad Apple").id + after
        return before + (self._makers[thing]() if fresh else self.shared(thing)) + after

    def body(self, row: Row, caller: Person | None = None) -> Any:
        """What such a caller would send: the document's example, where the world is not another."""
        match row.method, row.path:
            case "POST", "/appointments":
                return {"doctorId": self.people["dan"].id, "start": next(self._late)}
            case "POST", "/appointments/{appointment}/reschedule":
                return {"start": next(self._starts)}
            case "POST", "/doctors/{unwaited}/waitlist":
                return _far()
            case "POST", "/auth/password" if caller:
                return {"currentPassword": caller.password, "newPassword": "copper-meadow-17-whistle"}
            case "PUT", "/doctors/me/availability":
                return hours(requiresConfirmation=True)
            case "PUT", "/doctors/me/accepting":
                return {"accepting": True}
        return self._examples.get((row.method, plain(row.path)))

    def caller(self, name: str, row: Row) -> Person:
        """Who calls: for what ends a session or an account, somebody of the same kind who is not needed after."""
        if row.path in _OF_A_SESSION or (row.method, row.path) == ("DELETE", "/users/me"):
            if name == "admin":
                return self.gateway.log_in(self.admin.email, self.admin.password)
            return self.gateway.sign_up("For Once", role=_ROLES[name])
        return self.people[name]

    def share(self) -> None:
        """Make everything that is shared, so that nothing of it comes later."""
        for thing in self._makers:
            self.shared(thing)

    def seen(self) -> str:
        """All that Ann, Ben and the admins can see of what may not be changed by who is refused."""
        ann, ben, admin = self.ann, self.ben, self.admin
        looks = [
            *(ann.get(path) for path in ("/users/me", "/patients/me", "/appointments", "/waitlist")),
            *(ann.get(f"/appointments/{self.shared(thing)}") for thing in ("appointment", "request", "visit")),
            ann.get(f"/reviews/{self.shared('review')}"),
            *(ben.get(path) for path in ("/users/me", "/doctors/me", "/doctors/me/availability")),
            ben.get("/doctors/me/availability/overrides"),
            *(admin.get(f"/admin/users/{self.shared(thing)}") for thing in ("patient", "suspended")),
            *(admin.get(f"/admin/doctors/{self.shared(thing)}") for thing in ("applicant", "listed", "barred")),
        ]
        session = self.shared("session")
        devices = [item["id"] for item in ann.get("/auth/sessions").expect(200).data["items"]]
        return json.dumps([session in devices, *(look.expect(200).data for look in looks)], sort_keys=True)

    def _request(self) -> str:
        body = {"doctorId": self.ben.id, "start": next(self._starts), "reason": SECRET}
        return str(self.ann.post("/appointments", body).expect(201).data["id"])

    def _appointment(self) -> str:
        made = self._request()
        self.ben.post(f"/appointments/{made}/confirm").expect(200)
        return made

    def _visit(self) -> str:
        made = self._appointment()
        self.ben.post(f"/appointments/{made}/complete").expect(200)
        eventually("the visit to be known to the reviews", lambda: self._is_reviewable(made))
        return made

    def _is_reviewable(self, appointment: str) -> bool:
        # of a visit that is known yet another patient learns nothing; one that is not known is not reviewable
        return self.people["eve"].post(f"/appointments/{appointment}/review", {"rating": 1}).status == 404

    def _review(self) -> tuple[str, str]:
        visit = self._visit()
        made = self.ann.post(f"/appointments/{visit}/review", {"rating": 4, "comment": "Kind."}).expect(201).data["id"]
        self.ben.put(f"/reviews/{made}/reply", {"text": "Thank you."}).expect(200)
        return visit, str(made)

    def _place(self) -> str:
        for place in self.ann.get("/waitlist").expect(200).data["items"]:
            if place["doctorId"] == self.ben.id:
                return str(place["id"])
        return str(self.ann.post(f"/doctors/{self.ben.id}/waitlist", _far()).expect(201).data["id"])

    def _override(self) -> str:
        day = str(next(self._days))
        self.ben.put(f"/doctors/me/availability/overrides/{day}", {"windows": []}).expect(200)
        return day

    def _suspended(self) -> str:
        somebody = self.gateway.sign_up("Bad Apple")
        self.admin.post(f"/admin/users/{somebody.id}/suspend", {"reason": "Does not come."}).expect(200)
        return somebody.id

    def _applicant(self) -> str:
        doctor = self.gateway.sign_up("New Doctor", role="doctor")
        doctor.put("/doctors/me", PROFILE).expect(201)
        return doctor.id

    def _listed(self) -> str:
        doctor = self._applicant()
        self.admin.post(f"/admin/doctors/{doctor}/approve").expect(200)
        return doctor

    def _barred(self) -> str:
        doctor = self._listed()
        self.admin.post(f"/admin/doctors/{doctor}/suspend", {"reason": "No licence."}).expect(200)
        return doctor


def _far() -> dict[str, str]:
    """Dates that nobody books or cancels in, so that nothing is offered meanwhile."""
    day = datetime.now(UTC).date() + timedelta(days=30)
    return {"from": str(day), "to": str(day + timedelta(days=5))}


def plain(path: str) -> str:
    """A path with ``{}`` for its thing, whatever that is called."""
    before, brace, rest = path.partition("{")
    return before + "{}" + rest.partition("}")[2] if brace else path


def bodies() -> dict[tuple[str, str], Any]:
    """The documents' examples of bodies, by method and path with ``{}`` for its thing."""
    found = {}
    for file in _DOCUMENTS.glob("*.json"):
        for path, operations in json.loads(file.read_text())["paths"].items():
            for method, operation in operations.items():
                if body := operation.get("requestBody"):
                    key = (method.upper(), plain(path.removeprefix("/api/v1")))
                    found[key] = body["content"]["application/json"]["example"]
    return found
