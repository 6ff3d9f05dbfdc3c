"""The database's rooms, all together."""

from chassis import outbox
from user_service import store


def test_every_collection_with_an_outbox_is_relayed() -> None:
    indexed = {name for name, models in store.INDEXES.items() if outbox.INDEX in models}
    assert indexed == set(store.OUTBOXES)
