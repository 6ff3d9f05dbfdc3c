"""Takes the guard named by CHAOS_SABOTAGE away from the process that imports this at its start."""

import importlib.abc
import importlib.util
import os
import sys


def index(module):
    """appointment_service.store.indexes: the claims may overlap."""
    from pymongo import IndexModel

    for models in module.INDEXES.values():
        for number, model in enumerate(models):
            document = model.document
            if document.get("unique") and "claims" in document["key"]:
                options = {key: value for key, value in document.items() if key not in ("key", "unique")}
                models[number] = IndexModel(list(document["key"].items()), **options)
                return
    raise RuntimeError("there is no unique index over claims")


def inbox(module):
    """chassis.inbox: every delivery takes effect, and is noted as if it were the first."""

    def once(self, event_id, effect):
        def work(session):
            note = {"$setOnInsert": {"at": module.now()}}
            self._database[module.COLLECTION].update_one({"_id": event_id}, note, upsert=True, session=session)
            effect(session)

        self._database.transact(work)
        return True

    module.Inbox.once = once


def mandatory(module):
    """pika's channel, above all in the relay: nobody asks whether a queue took it."""
    publish = module.Channel.basic_publish

    def careless(self, *arguments, mandatory=False, **options):
        return publish(self, *arguments, mandatory=False, **options)

    module.Channel.basic_publish = careless


def majority(module):
    """chassis.mongo: one member's word is enough, also at the end of a transaction."""
    from pymongo import WriteConcern

    client = module.MongoClient

    def careless(*arguments, **options):
        # and reads what is written so: a majority of nobody else has it yet
        return client(*arguments, **{**options, "w": 1, "journal": False, "readConcernLevel": "local"})

    module.MongoClient = careless
    module.WriteConcern = lambda *_, **__: WriteConcern(1)


def ack(module):
    """chassis.consumer.entrypoints: a message is done with as it is taken."""
    handle = module.EventQueue.handle_message

    def eager(self, body, message):
        message.ack()
        message.ack = lambda *_, **__: None
        return handle(self, body, message)

    module.EventQueue.handle_message = eager


TARGETS = {
    "index": ("appointment_service.store.indexes", index),
    "inbox": ("chassis.inbox", inbox),
    "mandatory": ("pika.channel", mandatory),
    "majority": ("chassis.mongo", majority),
    "ack": ("chassis.consumer.entrypoints", ack),
}


class Saboteur(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module as it would be, and changes it then."""

    def __init__(self, name, change):
        self._name = name
        self._change = change

    def find_spec(self, fullname, path=None, target=None):
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        self._loader = spec.loader
        spec.loader = self
        return spec

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        self._change(module)


if guard := os.environ.get("CHAOS_SABOTAGE"):
    sys.meta_path.insert(0, Saboteur(*TARGETS[guard]))
