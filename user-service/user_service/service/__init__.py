"""user-service's use cases, a room for each kind of thing."""

from dataclasses import dataclass

from user_service.service.accounts import Accounts
from user_service.service.audit import Audit
from user_service.service.erasures import Erasures
from user_service.service.exports import Exports
from user_service.service.patients import Patients
from user_service.service.profiles import Profiles
from user_service.service.relations import Relations


@dataclass(frozen=True)
class Service:
    """All use cases: what routes, consumer and RPC call."""

    profiles: Profiles
    accounts: Accounts
    erasures: Erasures
    exports: Exports
    relations: Relations
    audit: Audit
    patients: Patients
