"""What a test sees of a service's own database."""

from chassis.mongo import MARKS, Database


def everything_in(database: Database) -> str:
    """All documents of a database as text, but for what means nothing (``MARKS``)."""
    names = sorted(set(database.db.list_collection_names()) - {MARKS})
    return repr({name: list(database[name].find()) for name in names})
