"""Each doctor who has a calendar is looked at once, for the next free slot that is kept from now on."""

from pymongo.database import Database

from chassis.mongo import Document


def forward(db: Database[Document]) -> None:
    """Note that they are due; the job behind ``advance_due`` looks at them within minutes."""
    db["calendars"].update_many({"calendar": {"$type": "object"}}, {"$currentDate": {"lookAt": True}})


def back(db: Database[Document]) -> None:
    """Nothing: older code passes over it, and ``openingVersion`` must not begin anew."""
