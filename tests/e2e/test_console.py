"""The admins' page at /console in a real browser: every panel, every decision, by keys, and with hostile texts."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import pika
import pymongo
import pytest
import requests
from selenium.webdriver import ActionChains, Keys

from chassis import amqp
from devkit import setup
from devkit.suite import Instance
from tests import browser as browsers
from tests.client import Gateway, Person, eventually
from tests.clinic import PROFILE, book, bookable_doctor, slots
from tests.console import Console

HOSTILE = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
PANELS = ("figures", "doctors", "reviews", "users", "jobs", "dead-letters", "erasures", "health")
SERVICES = ("appointment", "auth", "doctor", "review", "scheduler", "user")
_AXE = files("axe_core_python").joinpath("axe.min.js")


@pytest.fixture(scope="module")
def console(suite: Instance, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    """Signed in once, by keys alone."""
    setup.ensure([], needs_chromium=True)
    with browsers.running(tmp_path_factory.mktemp("chromium")) as browser:
        console = Console(browser, suite.gateway_url)
        console.open()
        console.sign_in(suite.settings["ADMIN_EMAIL"], suite.settings["ADMIN_PASSWORD"])
        console.filled("figures")
        yield console


@pytest.fixture(autouse=True)
def nothing_was_wrong(console: Console) -> Iterator[None]:
    """After each test: no error or warning of the browser's, nothing that the policy did not let through."""
    browsers.complaints(console.browser)
    yield
    assert browsers.complaints(console.browser) == []
    assert console.browser.title.endswith("– Console"), "a text was taken for a script"


def applicant(gateway: Gateway, name: str) -> Person:
    doctor = gateway.sign_up("Cleo Berg", role="doctor")
    doctor.put("/doctors/me", {**PROFILE, "bio": HOSTILE}).expect(201)
    doctor.call("PATCH", "/users/me", {"name": name}).expect(200)
    return doctor


def standing(admin: Person, doctor: Person) -> Any:
    data = admin.get(f"/admin/doctors/{doctor.id}").expect(200).data
    return data["moderationStatus"], data["moderationReason"]


def test_a_doctor_is_approved_and_another_rejected_with_a_reason(
    console: Console, gateway: Gateway, admin: Person
) -> None:
    mark = secrets.token_hex(4)
    good, odd = applicant(gateway, f"Cleo {mark}"), applicant(gateway, f"{HOSTILE} {mark}")
    eventually("the names", lambda: {f"Cleo {mark}", f"{HOSTILE} {mark}"} <= waiting(admin))
    console.show("doctors")
    assert console.decide(f"Cleo {mark}", "Approve") == f"Cleo {mark} is approved."
    assert console.focused() == "title"
    assert standing(admin, good) == ("APPROVED", None)
    assert console.rows_with(f"Cleo {mark}") == 0
    assert f"{HOSTILE} {mark} is rejected." in console.decide(f"{HOSTILE} {mark}", "Reject", "No <b>licence</b>.")
    assert standing(admin, odd) == ("REJECTED", "No <b>licence</b>.")


def waiting(admin: Person) -> set[str]:
    """The names of the doctors who wait for approval."""
    items = admin.get("/admin/doctors?moderationStatus=PENDING&limit=100").expect(200).data["items"]
    return {item["name"] for item in items}


def test_what_the_doctor_changed_meanwhile_is_not_approved_unseen(
    console: Console, gateway: Gateway, admin: Person
) -> None:
    name = f"Dora {secrets.token_hex(4)}"
    doctor = applicant(gateway, name)
    eventually("the name", lambda: name in waiting(admin))
    console.show("figures")
    console.show("doctors")
    console.row(name)
    doctor.call("PATCH", "/doctors/me", {"bio": "Somebody else."}).expect(200)
    console.press(name, "Approve")
    console.answer()
    console.until("it is refused", lambda: console.text("wrong"))
    assert standing(admin, doctor)[0] == "PENDING"
    # of the browser: the 412 itself
    browsers.complaints(console.browser)


def test_a_reported_review_is_hidden_and_restored(console: Console, gateway: Gateway, admin: Person) -> None:
    doctor, patient = bookable_doctor(gateway, admin), gateway.sign_up("Ann Lee")
    booked = book(patient, doctor, slots(gateway, doctor)[3]["start"]).expect(201).data
    doctor.post(f"/appointments/{booked['id']}/complete").expect(200)
    comment = f"{HOSTILE} {secrets.token_hex(4)}"
    path = f"/appointments/{booked['id']}/review"
    review = eventually("the review", lambda: patient.post(path, {"rating": 1, "comment": comment}).expect(201)).data
    doctor.post(f"/reviews/{review['id']}/report", {"reason": HOSTILE}).expect(202)

    console.show("reviews")
    assert console.decide(comment, "Hide", f"{HOSTILE} it is rude.") == "The review is hidden."
    patient.get(f"/reviews/{review['id']}").expect(200)
    assert gateway.call("GET", f"/doctors/{doctor.id}/reviews").expect(200).data["items"] == []
    assert f"{HOSTILE} it is rude." in console.row(comment).text
    assert console.decide(comment, "Restore") == "The review is shown again."
    [shown] = gateway.call("GET", f"/doctors/{doctor.id}/reviews").expect(200).data["items"]
    assert shown["comment"] == comment


def test_a_user_is_found_suspended_and_reinstated(console: Console, gateway: Gateway, admin: Person) -> None:
    patient = gateway.sign_up("Ivo Lang")
    # from then on there is a profile to be found
    patient.get("/users/me").expect(200)
    console.show("users")
    console.choose("q", patient.email)
    console.until("one is found", lambda: console.rows_with("@") == 1)
    console.press(patient.email, "Suspend")
    # without a reason the dialog stays
    console.answer(" ")
    assert console.find("//dialog[@open]//textarea").get_property("validationMessage")
    assert unfair(console) == []
    ActionChains(console.browser).send_keys(Keys.ESCAPE).perform()
    console.until("the dialog is gone", lambda: not console.script("return document.querySelector('dialog')"))
    assert console.script("return document.activeElement.textContent") == "Suspend"

    assert console.decide(patient.email, "Suspend", HOSTILE) == "Ivo Lang is suspended."
    told = admin.get(f"/admin/users/{patient.id}").expect(200).data
    assert (told["status"], told["suspension"]["reason"]) == ("SUSPENDED", HOSTILE)
    console.press(patient.email, "Details")
    assert HOSTILE in console.find("//dialog[@open]").text
    # whoever goes elsewhere leaves it behind
    console.show("jobs")
    assert not console.script("return document.querySelector('dialog')")
    console.show("users")
    console.choose("q", patient.email)
    console.until("one is found", lambda: console.rows_with("@") == 1)
    assert console.decide(patient.email, "Reinstate") == "Ivo Lang is reinstated."
    eventually("the sign-in", lambda: patient.log_in().expect(200))


def test_a_job_runs_when_it_is_asked_to(console: Console, admin: Person) -> None:
    console.show("jobs")
    console.press("send-reminders", "Run now")
    console.answer()
    console.until("it has run", lambda: "send-reminders: succeeded" in console.text("said"))
    assert console.row("an admin asked")
    runs = admin.get("/admin/jobs/send-reminders/runs?limit=100").expect(200).data["items"]
    assert "manual" in {run["trigger"] for run in runs}


def test_dead_letters_are_counted_with_their_reason_and_stay(console: Console, suite: Instance) -> None:
    reason = f"not a thing: {HOSTILE} {secrets.token_hex(4)}"
    name = amqp.dead_letters("review-service")
    note = {"reason": reason, "queue": "review-service.user-service.user-deleted", "at": "2030-01-31T09:00:00Z"}
    with pika.BlockingConnection(pika.URLParameters(suite.amqp_url)) as connection:
        channel = connection.channel()
        channel.confirm_delivery()
        for _ in range(2):
            properties = pika.BasicProperties(headers={amqp.DEAD_LETTER: note})
            channel.basic_publish("", name, b'{"secret": "of a patient"}', properties)
        try:
            for _ in range(2):
                # each look gives back what it took
                eventually("the letters", lambda: channel.queue_declare(name, passive=True).method.message_count >= 2)
                console.show("health")
                console.show("dead-letters")
                cells = console.row(reason).text
                assert "review-service.user-service.user-deleted" in cells
                assert "2" in cells
            assert "of a patient" not in console.text("content")
        finally:
            channel.queue_purge(name)


def test_an_erasure_shows_whose_receipt_is_out(console: Console, suite: Instance) -> None:
    begun, user_id = datetime.now(UTC), f"erased-{secrets.token_hex(4)}"
    with pymongo.MongoClient[dict[str, Any]](suite.mongodb_uri) as client:
        erasures = client["user-service"]["erasures"]
        # announced in an hour, so that nobody announces it anew meanwhile
        times = {"startedAt": begun, "announcedAt": begun + timedelta(hours=1), "completedAt": None}
        erasures.insert_one(
            {"_id": user_id, **times, "awaiting": ["review-service"], "receipts": {}, "announcements": 1}
        )
        try:
            console.show("erasures")
            cells = console.row(user_id).text
            assert "Under way" in cells
            assert "review-service" in cells
        finally:
            erasures.delete_one({"_id": user_id})


def test_the_figures_are_drawn_and_told_as_a_table(console: Console, gateway: Gateway, admin: Person) -> None:
    doctor = bookable_doctor(gateway, admin)
    book(gateway.sign_up("Ann Lee"), doctor, slots(gateway, doctor)[0]["start"]).expect(201)
    console.show("figures")
    plots = console.browser.find_elements("css selector", "figure")
    assert len(plots) == 4
    for plot in plots:
        assert plot.find_element("tag name", "svg").accessible_name
        assert plot.find_element("css selector", "details table")
    assert console.script("return document.querySelectorAll('.bar').length") > 0


def test_the_health_of_every_part_is_told(console: Console) -> None:
    console.show("health")
    assert console.rows_with("send-reminders") == 1

    def well() -> bool:
        # a relay may have lost its lease at this moment on a machine that has much else to do
        console.refresh()
        rows = [console.row(f"{service}-service").text for service in SERVICES]
        return all("Ready" in cells and cells.count("Well") == 2 for cells in rows)

    eventually("every part is well", well, seconds=60)


def test_a_reload_goes_on_and_a_copy_of_the_tab_does_not_take_the_session(console: Console) -> None:
    console.show("health")
    console.browser.refresh()
    console.filled("health")
    kept = console.script("return JSON.stringify(sessionStorage)")
    first = console.browser.current_window_handle
    console.browser.switch_to.new_window("tab")
    try:
        # as a browser does when a tab is duplicated
        console.browser.get(f"{console.url}/console/session.js")
        console.script(
            "for (const [k, v] of Object.entries(JSON.parse(arguments[0]))) sessionStorage.setItem(k, v)", kept
        )
        console.open()
        console.until("it asks who this is", lambda: console.focused() == "email")
    finally:
        console.browser.close()
        console.browser.switch_to.window(first)
    console.show("jobs")


def test_a_token_that_is_over_is_renewed_unseen(console: Console) -> None:
    kept = console.script("return sessionStorage.getItem('console.session')")
    expire_token(console)
    console.show("figures")
    assert console.text("wrong") == ""
    assert console.script("return sessionStorage.getItem('console.session')") not in (None, kept)


def expire_token(console: Console) -> None:
    """The next call is answered as if the access token's fifteen minutes were over."""
    console.script(
        "const real = window.fetch; window.fetch = async () => { window.fetch = real;"
        " return new Response(JSON.stringify({code: 'TOKEN_EXPIRED', message: 'Over.'}), {status: 401}); }"
    )


@pytest.mark.parametrize("panel", PANELS)
def test_everybody_can_use_it(console: Console, panel: str) -> None:
    """What axe can tell of WCAG 2.1 A and AA; the colours of the dark page too."""
    console.show(panel)
    assert unfair(console) == []
    with console.dark():
        assert unfair(console, "color-contrast") == []


def unfair(console: Console, *rules: str) -> list[str]:
    console.browser.execute_cdp_cmd("Runtime.evaluate", {"expression": _AXE.read_text()})
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21aa"]}
    found = console.browser.execute_async_script(
        "axe.run(document, {runOnly: arguments[0], resultTypes: ['violations']}).then(arguments[1])", only
    )
    return [f"{one['id']}: {[node['html'] for node in one['nodes']][:3]}" for one in found["violations"]]


def test_who_is_no_admin_is_told_so_and_signing_out_ends_the_session(
    console: Console, gateway: Gateway, admin: Person
) -> None:
    session_id = console.script("return JSON.parse(sessionStorage.getItem('console.session')).sessionId")

    def sessions() -> set[str]:
        return {session["id"] for session in admin.get("/auth/sessions").expect(200).data["items"]}

    assert session_id in sessions()
    # who was away for long signs out, too
    expire_token(console)
    console.script("document.getElementById('sign-out').click()")
    console.until("signed out", lambda: "signed out" in console.text("said"))
    assert console.script("return sessionStorage.length") == 0
    assert console.text("content") == ""
    eventually("its end", lambda: session_id not in sessions())

    assert unfair(console) == []
    patient = gateway.sign_up("Eve Poe")
    console.sign_in(patient.email, patient.password)
    console.until("told", lambda: "not an admin" in console.text("wrong"))
    assert console.script("return sessionStorage.length") == 0
    [kept] = patient.get("/auth/sessions").expect(200).data["items"]
    assert kept["current"], "the console's session has ended"


def test_all_of_it_stayed_at_home_and_the_policy_lets_nothing_else_through(console: Console) -> None:
    assert browsers.hosts(console.browser) <= {console.url.removeprefix("http://")}
    policy = requests.get(f"{console.url}/console", timeout=10).headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(
        policy.split("; ")
    )
