// Accounts, and the erasures of those that were purged.

import { ask, show } from "./ask.js";
import { ago, button, field, h, mark, moment, words } from "./dom.js";
import { filters, paged } from "./lists.js";
import { call, me } from "./session.js";

const SIGNS = { ACTIVE: "good", SUSPENDED: "bad", DELETED: "fair" };
const ANY = { "": "Any" };

export async function users(place) {
  const [search, beginning] = field("q", "Name or e-mail begins with", {
    type: "search",
    maxlength: "100",
    autocomplete: "off",
  });
  const [choice, status] = field("status", "Status", {
    options: { ...ANY, ACTIVE: "Active", SUSPENDED: "Suspended", DELETED: "Deleted" },
  });
  const [kind, role] = field("role", "Role", {
    options: { ...ANY, patient: "Patient", doctor: "Doctor", admin: "Admin" },
  });
  const list = h("div");
  const load = paged(list, {
    caption: "Users",
    columns: ["Name", "E-mail", "Role", "Status", "Since", "Actions"],
    path: "/admin/users",
    query: () => ({ q: beginning.value.trim(), status: status.value, role: role.value }),
    empty: "Nobody was found.",
    cells: (user) => [
      user.name,
      h("div", {}, user.email, user.emailVerified ? null : h("div", { class: "faint" }, "not verified")),
      words(user.role),
      mark(SIGNS[user.status], words(user.status)),
      moment(user.createdAt),
      actions(user),
    ],
  });
  place.append(filters([search, choice, kind], load), list);
  await load();

  function actions(user) {
    const address = `/admin/users/${user.id}`;
    const made = [button("Details", async () => show(user.name, details(await call("GET", address))))];
    if (user.status === "ACTIVE" && user.id !== me()?.id) {
      made.push(
        button("Suspend", async () => {
          const explanation = `${user.email}: signed out everywhere at once; future appointments are cancelled.`;
          const reason = await ask(`Suspend ${user.name}?`, explanation, "Suspend", {
            reason: "Reason, for other admins",
            harm: true,
          });
          if (reason === null) return;
          await call("POST", `${address}/suspend`, { body: { reason }, version: user.version });
          await load(`${user.name} is suspended.`);
        }),
      );
    }
    if (user.status === "SUSPENDED") {
      made.push(
        button("Reinstate", async () => {
          const explanation = `${user.email}: can sign in again; what was cancelled stays so.`;
          if ((await ask(`Reinstate ${user.name}?`, explanation, "Reinstate")) === null) return;
          await call("POST", `${address}/reinstate`, { version: user.version });
          await load(`${user.name} is reinstated.`);
        }),
      );
    }
    return h("div", { class: "actions" }, made);
  }
}

function details(user) {
  const { suspension, deletion } = user;
  const facts = [
    ["Id", user.id],
    ["E-mail", user.email],
    ["Phone", user.phone],
    ["Zone", user.timezone],
    ["Status", words(user.status)],
    ["Suspended", suspension && moment(suspension.at)],
    ["Reason", suspension?.reason],
    ["By", suspension?.by],
    ["Deleted", deletion && moment(deletion.requestedAt)],
    ["Why", deletion && [words(deletion.reason), deletion.comment].filter(Boolean).join(": ")],
    ["Erased from", moment(user.scheduledDeletionAt)],
  ];
  return h(
    "dl",
    { class: "facts" },
    facts
      .filter(([, value]) => value)
      .map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])
      .flat(),
  );
}

export async function erasures(place) {
  const [choice, which] = field("open", "Show", { options: { "": "All", true: "Under way", false: "Complete" } });
  const list = h("div");
  const load = paged(list, {
    caption: "Erasures",
    columns: ["Account", "Purged", "State", "Awaits", "Told", "Complete"],
    path: "/admin/erasures",
    query: () => ({ open: which.value }),
    empty: "There are none.",
    cells: (erasure) => [
      h("code", {}, erasure.id),
      moment(erasure.startedAt),
      state(erasure),
      erasure.awaiting.join(", ") || null,
      h(
        "div",
        {},
        erasure.announcements === 1 ? "once" : `${erasure.announcements} times`,
        ", ",
        ago(erasure.announcedAt),
      ),
      moment(erasure.completedAt),
    ],
  });
  place.append(filters([choice], load), list);
  await load();
}

function state({ completedAt, late }) {
  if (completedAt) return mark("good", "Complete");
  return late ? mark("bad", "Late") : mark("fair", "Under way");
}
