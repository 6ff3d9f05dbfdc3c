"""Each doctor who has a calendar is looked at once, for the next free slot that is kept from now on."""

from pymongo.database import Database

from chassis.migrations import update_in_batches
from chassis.mongo import Document


def forward(db: Database[Document]) -> None:
    """Note that they are due; the job behind ``advance_due`` looks at them within minutes.

    All of them: an older process that stores another calendar does not note that its next free slot is another.
    """
    update_in_batches(db["calendars"], {"calendar": {"$type": "object"}}, {"$currentDate": {"lookAt": True}})


def back(db: Database[Document]) -> None:
    """Nothing: older code passes over it, and ``openingVersion`` must not begin anew."""
