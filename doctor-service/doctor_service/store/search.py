"""How the public list is ordered, indexed and narrowed.

Search goes by keys, not by a text index: names must not be stemmed, half a word typed must find, and a list keeps its
order and its paging by key. A doctor's keys are what it can be asked for ("w:card", "s:cardiology", "c:hamburg"); an
index holds the doctors of each key in one of the orders, so that a page of any search is a stretch of it.
"""

import re

from pymongo import ASCENDING, DESCENDING, IndexModel

from chassis.mongo import Document
from doctor_service.domain import Search
from doctor_service.store.reading import Order

LISTED: Document = {"listed": True}

BY_RATING = "rating"
ORDERS: dict[str, Order] = {
    BY_RATING: [("rating.average", DESCENDING), ("rating.count", DESCENDING), ("_id", ASCENDING)],
    "name": [("search.name", ASCENDING), ("_id", ASCENDING)],
    "experience": [("experienceYears", DESCENDING), ("_id", ASCENDING)],
    "fee": [("search.fee", ASCENDING), ("_id", ASCENDING)],
}
"""The orders of the public list; each ends in ``_id``, so that no two doctors stand in the same place."""

_MOST_ASKED = 3


def index_of(order: str, keyed: bool) -> str:
    return f"listed_keys_by_{order}" if keyed else f"listed_by_{order}"


SEARCH_INDEXES = [
    IndexModel(
        [("search.keys", ASCENDING), *keys] if keyed else keys,
        name=index_of(order, keyed),
        partialFilterExpression=LISTED,
    )
    for order, keys in ORDERS.items()
    for keyed in (False, True)
]


def planned(search: Search, order: str) -> tuple[Document, str]:
    """The condition of a search, and the index that answers it in that order."""
    keys = search.keys(rated=order != BY_RATING)
    condition = dict(LISTED)
    if keys:
        # the planner tries each of these and reads on by the one that fewest have; more would be tried for long
        condition["search.keys"] = {"$all": keys[:_MOST_ASKED]}
    if rest := keys[_MOST_ASKED:]:
        condition["$expr"] = {"$setIsSubset": [{"$literal": rest}, "$search.keys"]}
    if longer := search.long_words():
        condition["$and"] = [{"search.words": {"$regex": f"^{re.escape(word)}"}} for word in longer]
    if search.min_rating:
        condition["rating.average"] = {"$gte": search.min_rating}
    return condition, index_of(order, bool(keys))
