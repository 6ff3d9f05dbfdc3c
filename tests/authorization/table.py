"""The table: what each caller gets from each route, as the product's contract has it.

Ann is a patient and Ben a doctor; they have an appointment, which was reviewed, and each thing in a path is theirs. Eve
is another patient, Dan another doctor, who have no part in anything of theirs.

A cell is the status of the answer. 401 without a token is not in the table: every route has it that is not ``public``.
``*`` before a status says that the call changes the thing: each such cell gets one made for it. A route of one's own
things (``/users/me``) gives everybody their own, so its cells say who has such things at all.
"""

from dataclasses import dataclass

CALLERS = ("ann", "eve", "ben", "dan", "admin")

TABLE = """
method  path                                           ann    eve    ben    dan    admin

# accounts and sessions
POST    /auth/signup                                   public
POST    /auth/login                                    public
POST    /auth/refresh                                  public
POST    /auth/recover                                  public
POST    /auth/password/forgot                          public
POST    /auth/password/reset                           public
POST    /auth/email/verify                             public
POST    /auth/email/resend                             202    202    202    202    202
POST    /auth/logout                                   *200   *200   *200   *200   *200
POST    /auth/logout-all                               *200   *200   *200   *200   -
POST    /auth/password                                 *200   *200   *200   *200   -
GET     /auth/sessions                                 200    200    200    200    200
DELETE  /auth/sessions/{session}                       *200   404    404    404    404

# users and patients
GET     /users/me                                      200    200    200    200    200
PATCH   /users/me                                      *200   *200   *200   *200   *200
DELETE  /users/me                                      *200   *200   *200   *200   403
GET     /users/me/export                               200    200    200    200    200
GET     /users/me/access-log                           200    200    200    200    200
GET     /patients/me                                   200    200    403    403    403
PUT     /patients/me                                   *200   *200   403    403    403
GET     /patients/{patient}                            404    404    200    404    200
GET     /admin/users                                   403    403    403    403    200
GET     /admin/users/{patient}                         403    403    403    403    200
POST    /admin/users/{patient}/suspend                 403    403    403    403    *200
POST    /admin/users/{suspended}/reinstate             403    403    403    403    *200
GET     /admin/audit                                   403    403    403    403    200
GET     /admin/erasures                                403    403    403    403    200

# doctors and their calendars
GET     /doctors                                       public
GET     /doctors/{doctor}                              public
GET     /doctors/{doctor}/availability                 public
GET     /doctors/{doctor}/slots                        public
GET     /doctors/me                                    403    403    200    200    403
PUT     /doctors/me                                    403    403    *200   *200   403
PATCH   /doctors/me                                    403    403    *200   *200   403
PUT     /doctors/me/visibility                         403    403    *200   *200   403
PUT     /doctors/me/accepting                          403    403    *200   *200   403
GET     /doctors/me/availability                       403    403    200    200    403
PUT     /doctors/me/availability                       403    403    *200   *200   403
GET     /doctors/me/availability/overrides             403    403    200    200    403
PUT     /doctors/me/availability/overrides/{date}      403    403    *200   *200   403
DELETE  /doctors/me/availability/overrides/{date}      403    403    *200   404    403
PUT     /doctors/{doctor}/follow                       *200   *200   403    403    403
DELETE  /doctors/{doctor}/follow                       *200   *200   403    403    403
GET     /users/me/following                            200    200    403    403    403
GET     /admin/doctors                                 403    403    403    403    200
GET     /admin/doctors/{doctor}                        403    403    403    403    200
POST    /admin/doctors/{applicant}/approve             403    403    403    403    *200
POST    /admin/doctors/{applicant}/reject              403    403    403    403    *200
POST    /admin/doctors/{listed}/suspend                403    403    403    403    *200
POST    /admin/doctors/{barred}/reinstate              403    403    403    403    *200

# appointments
POST    /appointments                                  *201   *201   403    403    403
GET     /appointments                                  200    200    200    200    200
GET     /appointments/{appointment}                    200    404    200    404    200
GET     /appointments/{appointment}/calendar.ics       200    404    200    404    200
POST    /appointments/{appointment}/reschedule         *200   404    *200   404    403
POST    /appointments/{appointment}/cancel             *200   404    *200   404    *200
POST    /appointments/{request}/confirm                403    403    *200   404    403
POST    /appointments/{request}/decline                403    403    *200   404    403
POST    /appointments/{appointment}/check-in           403    403    *200   404    403
POST    /appointments/{appointment}/complete           403    403    *200   404    403
POST    /appointments/{appointment}/no-show            403    403    *200   404    403
POST    /calendar/feed                                 *201   *201   *201   *201   *201
DELETE  /calendar/feed                                 200    200    200    200    200
GET     /calendar/{secret}.ics                         public
POST    /doctors/{unwaited}/waitlist                   *201   *201   403    403    403
GET     /waitlist                                      200    200    403    403    403
POST    /waitlist/{place}/accept                       409    404    403    403    403
POST    /waitlist/{place}/decline                      409    404    403    403    403
DELETE  /waitlist/{place}                              *200   404    403    403    403
GET     /doctors/me/analytics                          403    403    200    200    403
GET     /admin/analytics/appointments                  403    403    403    403    200

# reviews
POST    /appointments/{visit}/review                   *201   404    403    403    403
GET     /appointments/{reviewed}/review                200    404    404    404    404
GET     /doctors/{doctor}/reviews                      public
GET     /doctors/{doctor}/rating                       public
GET     /reviews/{review}                              200    404    404    404    404
PATCH   /reviews/{review}                              *200   404    404    404    404
DELETE  /reviews/{review}                              *200   404    404    404    404
PUT     /reviews/{review}/reply                        403    403    *200   404    403
DELETE  /reviews/{review}/reply                        403    403    *200   404    403
POST    /reviews/{review}/report                       *202   *202   *202   *202   *202
GET     /admin/reviews                                 403    403    403    403    200
POST    /admin/reviews/{review}/hide                   403    403    403    403    *200
POST    /admin/reviews/{review}/restore                403    403    403    403    *200
GET     /admin/analytics/reviews                       403    403    403    403    200

# jobs
GET     /admin/jobs                                    403    403    403    403    200
GET     /admin/jobs/{job}/runs                         403    403    403    403    200
POST    /admin/jobs/{job}/run                          403    403    403    403    202
GET     /admin/health                                  403    403    403    403    200
GET     /admin/dead-letters                            403    403    403    403    200
"""


OF_NOTHING = {
    # what one does not follow is not followed, whatever it is
    ("DELETE", "/doctors/{doctor}/follow"): 200,
    # the visit may have taken place already, and not be known to the reviews yet
    ("POST", "/appointments/{visit}/review"): 409,
}
"""What a route answers of a thing that there is not, where that is not 404."""


@dataclass(frozen=True)
class Cell:
    """What one caller gets; ``changes`` if a thing is made for it."""

    status: int
    changes: bool = False


@dataclass(frozen=True)
class Row:
    method: str
    path: str
    """With the name of a thing of Ann's and Ben's where the route has an id."""
    cells: dict[str, Cell]
    """By caller; none for a public route, and for who is not asked."""

    @property
    def is_public(self) -> bool:
        return not self.cells


def rows() -> list[Row]:
    """The table as it is read."""
    found = []
    for line in TABLE.splitlines():
        words = line.split()
        if not words or words[0] in ("#", "method"):
            continue
        method, path, *cells = words
        if cells == ["public"]:
            found.append(Row(method, path, {}))
            continue
        named = zip(CALLERS, cells, strict=True)
        found.append(Row(method, path, {who: _cell(text) for who, text in named if text != "-"}))
    return found


def _cell(text: str) -> Cell:
    return Cell(int(text.lstrip("*")), changes=text.startswith("*"))
