// What admins decide about doctors and reviews.

import { ask } from "./ask.js";
import { button, field, h, mark, moment, words } from "./dom.js";
import { filters, paged } from "./lists.js";
import { call } from "./session.js";

const SIGNS = { APPROVED: "good", PENDING: "fair", REJECTED: "bad", SUSPENDED: "bad" };

export async function doctors(place) {
  const options = {
    PENDING: "Waiting for approval",
    APPROVED: "Approved",
    REJECTED: "Rejected",
    SUSPENDED: "Suspended",
    "": "All",
  };
  const [choice, standing] = field("standing", "Standing", { options });
  const list = h("div");
  const load = paged(list, {
    caption: "Doctors",
    columns: ["Doctor", "Practice", "About", "Standing", "Decide"],
    path: "/admin/doctors",
    query: () => ({ moderationStatus: standing.value }),
    empty: standing.value === "PENDING" ? "No doctor waits for approval." : "There are none.",
    cells: (doctor) => [doctor.name, practice(doctor), about(doctor), decided(doctor), actions(doctor)],
  });
  place.append(filters([choice], load), list);
  await load();

  async function decide(doctor, step, said, body) {
    // the version that was looked at: what the doctor changed meanwhile is looked at first
    await call("POST", `/admin/doctors/${doctor.id}/${step}`, { body, version: doctor.version });
    await load(`${doctor.name} is ${said}.`);
  }

  function actions(doctor) {
    const plain = (text, step, said, explanation) =>
      button(text, async () => {
        if ((await ask(`${text} ${doctor.name}?`, explanation, text)) !== null) await decide(doctor, step, said);
      });
    const refusal = (text, step, said, explanation) =>
      button(text, async () => {
        const reason = await ask(`${text} ${doctor.name}?`, explanation, text, {
          reason: "Reason, which the doctor reads",
          harm: true,
        });
        if (reason !== null) await decide(doctor, step, said, { reason });
      });
    const approve = plain("Approve", "approve", "approved", "The profile is listed, and patients can book.");
    const reject = refusal(
      "Reject",
      "reject",
      "rejected",
      "The doctor may change the profile to have it looked at anew.",
    );
    return {
      PENDING: [approve, reject],
      REJECTED: [approve],
      APPROVED: [
        refusal(
          "Suspend",
          "suspend",
          "suspended",
          "The profile is listed no more, and future appointments are cancelled.",
        ),
      ],
      SUSPENDED: [
        plain("Reinstate", "reinstate", "reinstated", "The profile is listed again; what was cancelled stays so."),
      ],
    }[doctor.moderationStatus];
  }
}

function practice({ specialty, clinic, fee }) {
  return h(
    "div",
    {},
    h("div", {}, specialty),
    clinic && h("div", {}, [clinic.name, clinic.city].filter(Boolean).join(", ")),
    fee && h("div", {}, `${fee.amount} ${fee.currency}`),
  );
}

function about({ qualifications, experienceYears, languages, bio }) {
  const years = experienceYears == null ? [] : [`${experienceYears} years`];
  return h("div", { class: "prose" }, h("div", {}, [...qualifications, ...years, ...languages].join(", ")), bio);
}

function decided({ moderationStatus, moderationHistory }) {
  const last = moderationHistory.at(-1);
  return h(
    "div",
    { class: "prose" },
    mark(SIGNS[moderationStatus], words(moderationStatus)),
    last && h("div", {}, moment(last.at)),
    last?.reason && h("q", {}, last.reason),
  );
}

export async function reviews(place) {
  const [choice, which] = field("which", "Show", { options: { true: "Reported", "": "All", false: "Not reported" } });
  const list = h("div");
  const load = paged(list, {
    caption: "Reviews",
    columns: ["Review", "Author", "Reports", "Standing", "Decide"],
    path: "/admin/reviews",
    query: () => ({ reported: which.value }),
    empty: "There are none.",
    cells: (review) => [
      text(review),
      h("div", {}, review.author, h("div", {}, moment(review.createdAt))),
      reports(review),
      standing(review),
      action(review),
    ],
  });
  place.append(filters([choice], load), list);
  await load();

  function action(review) {
    const address = `/admin/reviews/${review.id}`;
    if (review.hidden) {
      return button("Restore", async () => {
        if (
          (await ask(
            "Restore this review?",
            `By ${review.author}. Everybody sees it again, and it counts.`,
            "Restore",
          )) === null
        )
          return;
        await call("POST", `${address}/restore`);
        await load("The review is shown again.");
      });
    }
    return button("Hide", async () => {
      const explanation = `By ${review.author}. Nobody but its author sees it, and it does not count.`;
      const reason = await ask("Hide this review?", explanation, "Hide", {
        reason: "Reason, which the author reads",
        harm: true,
      });
      if (reason === null) return;
      await call("POST", `${address}/hide`, { body: { reason } });
      await load("The review is hidden.");
    });
  }
}

function text({ rating, comment, reply }) {
  const stars = h(
    "span",
    { role: "img", "aria-label": `${rating} of 5 stars` },
    "★".repeat(rating) + "☆".repeat(5 - rating),
  );
  return h(
    "div",
    { class: "prose" },
    stars,
    h("div", {}, comment ?? "(no text)"),
    reply && h("div", {}, "Reply: ", h("q", {}, reply.text)),
  );
}

function reports({ reportCount, reports }) {
  const items = reports.map(({ reason, at }) => h("li", {}, reason ?? "(erased)", " ", moment(at)));
  return h("div", { class: "prose" }, String(reportCount), items.length ? h("ul", {}, items) : null);
}

function standing({ hidden }) {
  if (!hidden) return mark("good", "Shown");
  return h(
    "div",
    { class: "prose" },
    mark("bad", "Hidden"),
    h("div", {}, moment(hidden.at)),
    hidden.reason && h("q", {}, hidden.reason),
  );
}
