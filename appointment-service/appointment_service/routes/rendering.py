"""Documents as they are answered."""

from chassis.mongo import Document

_SHOWN = (
    "doctorId",
    "patientId",
    "start",
    "end",
    "timezone",
    "status",
    "version",
    "reason",
    "createdAt",
    "updatedAt",
)


def appointment(document: Document) -> Document:
    return {"id": document["_id"], **{key: document[key] for key in _SHOWN}}


def with_history(document: Document) -> Document:
    return {**appointment(document), "cause": document.get("cause"), "history": document["history"]}


def exported(document: Document, user_id: str) -> Document:
    """An appointment as the export tells one of its two people of it.

    What is written there about the patient is the patient's; to the doctor it tells the doctor's own words only.
    """
    told = with_history(document)
    if document["patientId"] == user_id:
        return told
    history = [
        entry if entry["by"] == user_id else {key: value for key, value in entry.items() if key != "reason"}
        for entry in told["history"]
    ]
    return {**told, "reason": None, "history": history}


def place(document: Document) -> Document:
    """A place in a waitlist."""
    names = ("doctorId", "patientId", "from", "to", "status", "appointmentId", "createdAt", "updatedAt", "version")
    offer = document["offer"]
    return {
        "id": document["_id"],
        **{name: document[name] for name in names},
        "offer": offer and {name: offer[name] for name in ("start", "end", "timezone", "expiresAt")},
    }
