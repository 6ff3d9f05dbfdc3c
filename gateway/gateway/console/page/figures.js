// What the suite's appointments and reviews add up to.

import { day, field, h, number, share, words } from "./dom.js";
import { filters } from "./lists.js";
import { bars } from "./plots.js";
import { call } from "./session.js";

const STATUSES = ["COMPLETED", "CHECKED_IN", "BOOKED", "REQUESTED", "NO_SHOW", "CANCELLED"];
const STARS = [5, 4, 3, 2, 1];
const MOST_DAYS = 62;

export async function figures(place) {
  const [from, first] = field("from", "From", { type: "date", value: day(-22), required: true });
  const [to, last] = field("to", "To", { type: "date", value: day(7), required: true });
  const shown = h("div");
  const load = async () => shown.replaceChildren(await drawn(first.value, last.value));
  place.append(h("div", { class: "today" }, await today()), filters([from, to], load, "Show"), shown);
  await load();
}

async function today() {
  const { totals } = await call("GET", "/admin/analytics/appointments", { query: { from: day(), to: day() } });
  const tiles = [
    ...STATUSES.map((status) => [words(status), number(totals.counts[status] ?? 0)]),
    ["Utilisation", share(totals.utilisation)],
    ["No-show rate", share(totals.noShowRate)],
  ];
  return [
    h("h2", {}, "Today"),
    h(
      "dl",
      { class: "tiles" },
      tiles.map(([name, value]) => h("div", { class: "card" }, h("dt", {}, name), h("dd", {}, value))),
    ),
  ];
}

async function drawn(from, to) {
  const days = (new Date(to) - new Date(from)) / 86_400_000;
  const groupBy = days > MOST_DAYS ? "week" : "day";
  const [report, ratings] = await Promise.all([
    call("GET", "/admin/analytics/appointments", { query: { from, to, groupBy } }),
    call("GET", "/admin/analytics/reviews", { query: { from, to } }),
  ]);
  const found = new Map(report.items.map((item) => [item.key, item]));
  const keys = dates(from, to, groupBy);
  // a day of which nothing is told has its place in the plot
  const rows = (values) =>
    keys.map((key) => ({ label: key.slice(5), values: found.has(key) ? values(found.get(key)) : {} }));
  const { totals } = report;
  const cancelled = totals.total && `${share(totals.cancellationRate)} were cancelled`;
  const plots = [
    bars(
      `Appointments by ${groupBy} and status`,
      rows((item) => item.counts),
      STATUSES.map((key) => ({ key, name: words(key) })),
      {
        write: number,
        ceiling: 2,
        width: 1120,
        about: `${[`${number(totals.total)} from ${report.from} to ${report.to}`, cancelled].filter(Boolean).join("; ")}.`,
      },
    ),
    bars(
      `Utilisation by ${groupBy}`,
      rows((item) => ({ rate: item.utilisation })),
      [{ key: "rate", name: "Booked of offered time" }],
      {
        write: share,
        ceiling: 0.1,
        about:
          totals.utilisation === null
            ? "No time was offered."
            : `${share(totals.utilisation)} of the offered time was booked.`,
      },
    ),
    bars(
      `No-shows by ${groupBy}`,
      rows((item) => ({ missed: item.noShowRate })),
      [{ key: "missed", name: "Not attended of what is over" }],
      {
        write: share,
        ceiling: 0.1,
        about:
          totals.noShowRate === null
            ? "No visit is over."
            : `${share(totals.noShowRate)} of the visits that are over were not attended.`,
      },
    ),
    bars(
      "Ratings",
      STARS.map((stars) => ({ label: "★".repeat(stars), values: { stars: ratings.histogram[stars] } })),
      [{ key: "stars", name: "Reviews" }],
      {
        what: "Stars",
        write: number,
        ceiling: 2,
        about: ratings.count
          ? `${number(ratings.count)} reviews, ${ratings.average} stars on average.`
          : "No reviews in this time.",
      },
    ),
  ];
  return h("div", { class: "plots" }, plots);
}

/** The keys that a report of these dates has at the most: every day, or every week's Monday. */
function dates(from, to, groupBy) {
  const step = groupBy === "week" ? 7 : 1;
  const date = new Date(from);
  if (step === 7) date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  const keys = [];
  for (; date <= new Date(to); date.setUTCDate(date.getUTCDate() + step)) keys.push(date.toISOString().slice(0, 10));
  return keys;
}
