// How the suite itself is: jobs, dead letters, and every part.

import { ask } from "./ask.js";
import { ago, button, h, mark, number, row, table, tell, words } from "./dom.js";
import { paged } from "./lists.js";
import { call, readiness } from "./session.js";

const SIGNS = { SUCCEEDED: "good", RUNNING: "fair", QUEUED: "fair", FAILED: "bad" };
const LOOKS = 20;
const BETWEEN = 500;
// as `make alarms` has it
const PERIODS = 5;
const PATIENCE = 60;
const MANY_FAILURES = 3;

export async function jobs(place) {
  const list = h("div");
  const runs = h("div");
  place.append(list, runs);
  await load();

  async function load() {
    const { items } = await call("GET", "/admin/jobs");
    const columns = ["Job", "Does", "Every", "Last run", "Last success", "Failures in a row", "Actions"];
    const [frame] = table("Jobs", columns, items.map(cells));
    list.replaceChildren(frame);
  }

  function cells(job) {
    const run = job.lastRun;
    return [
      job.name,
      h("div", { class: "prose" }, job.description),
      `${job.everySeconds} s`,
      run &&
        h(
          "div",
          {},
          mark(SIGNS[run.status], words(run.status)),
          " ",
          ago(run.queuedAt),
          run.error && h("div", {}, h("code", {}, run.error)),
        ),
      ago(job.lastSuccessAt),
      job.failuresInARow ? mark("bad", String(job.failuresInARow)) : "0",
      h(
        "div",
        { class: "actions" },
        button("Run now", () => start(job)),
        button("Runs", () => tellRuns(job)),
      ),
    ];
  }

  async function start(job) {
    if (
      (await ask(
        `Run ${job.name} now?`,
        "It runs once besides its schedule; every job is safe to repeat.",
        "Run now",
      )) === null
    )
      return;
    const path = `/admin/jobs/${job.name}`;
    let run = await call("POST", `${path}/run`);
    tell(`${job.name} will run.`);
    for (let look = 0; look < LOOKS && !run.finishedAt; look += 1) {
      await new Promise((passed) => setTimeout(passed, BETWEEN));
      const { items } = await call("GET", `${path}/runs`);
      run = items.find(({ id }) => id === run.id) ?? run;
    }
    if (!place.isConnected) return;
    await load();
    await tellRuns(job);
    tell(`${job.name}: ${words(run.status).toLowerCase()}.`);
  }

  async function tellRuns(job) {
    await paged(runs, {
      caption: `Runs of ${job.name}`,
      columns: ["Began", "Status", "Because", "Took", "Did"],
      path: `/admin/jobs/${job.name}/runs`,
      query: () => ({}),
      empty: "It has not run yet.",
      cells: (run) => [
        ago(run.startedAt ?? run.queuedAt),
        mark(SIGNS[run.status], words(run.status)),
        run.trigger === "manual" ? "an admin asked" : "it was due",
        run.finishedAt && run.startedAt
          ? `${((new Date(run.finishedAt) - new Date(run.startedAt)) / 1000).toFixed(1)} s`
          : null,
        run.error ??
          Object.entries(run.result ?? {})
            .map(([name, value]) => `${name} ${value}`)
            .join(", "),
      ],
    })(`Runs of ${job.name} are below.`);
    runs.scrollIntoView({ block: "nearest" });
  }
}

export async function deadLetters(place) {
  const { items } = await call("GET", "/admin/dead-letters");
  const groups = items.flatMap((service) =>
    service.groups.map((group) => [
      service.service,
      group.queue,
      h("div", { class: "prose" }, group.reason),
      number(group.count),
      ago(group.oldestAt),
    ]),
  );
  const partly = items.filter(({ count, groups: seen }) => count > seen.reduce((sum, group) => sum + group.count, 0));
  if (!groups.length) {
    place.append(h("p", { class: "empty" }, "No message is left that a service could not handle."));
    return;
  }
  const [frame] = table(
    "Messages that a service could not handle",
    ["Service", "Queue", "Reason", "Messages", "Oldest"],
    groups,
  );
  place.append(
    frame,
    ...partly.map(({ service, count }) =>
      h("p", {}, `${service} has ${number(count)} in all; the first of them were looked at.`),
    ),
    h(
      "p",
      {},
      "Mend the cause, then put them back, on the machine that runs the suite: ",
      h("code", {}, "make dlq DO=redrive SERVICE=…"),
    ),
  );
}

export async function health(place) {
  const parts = await Promise.allSettled([readiness(), call("GET", "/admin/health"), call("GET", "/admin/jobs")]);
  const [ready, behind, due] = parts.map(({ value }) => value);
  const services = ready ? Object.entries(ready).sort(([one], [other]) => one.localeCompare(other)) : [];
  const rows = services.map(([name, state]) => [
    name,
    sign(state === "ok", "Ready", "Away"),
    ...background(behind?.items.find(({ service }) => service === name)),
  ]);
  const columns = [
    "Service",
    "Web",
    "Consumer",
    "Relay",
    "Waiting to be sent",
    "Waiting to be handled",
    "To be tried again",
    "Dead letters",
  ];
  const [frame] = table("Services", columns, [["gateway", mark("good", "Ready"), ...background()], ...rows]);
  const unknown = parts
    .filter(({ status }) => status === "rejected")
    .map(({ reason }) => h("p", { class: "wrong" }, reason.message));
  place.append(...unknown, frame, h("h2", {}, "Scheduler"));
  place.append(
    due
      ? table("What shows that beat and worker run", ["Job", "State", "Last success"], due.items.map(onTime))[0]
      : h("p", {}, "Not known."),
  );
}

function background(part) {
  if (!part) return Array(6).fill(null);
  const { consumer, relay, outbox, queues } = part;
  return [
    sign(consumer === "ok", "Well", "Away"),
    relay === null ? mark("fair", "Not known") : sign(relay === "ok", "Well", "Away"),
    outbox && h("div", {}, number(outbox.documents), outbox.oldestAt && h("div", {}, "since ", ago(outbox.oldestAt))),
    number(queues.waiting),
    number(queues.retrying),
    queues.deadLetters ? mark("bad", number(queues.deadLetters)) : "0",
  ];
}

function onTime(job) {
  const silent = job.lastSuccessAt ? (Date.now() - new Date(job.lastSuccessAt)) / 1000 : 0;
  const late = silent > Math.max(PERIODS * job.everySeconds, PATIENCE);
  const failing = job.failuresInARow >= MANY_FAILURES;
  const state =
    job.failuresInARow && !late && !failing
      ? mark("fair", "Failed, comes again")
      : sign(!late && !failing, "On time", failing ? "Failing" : "Late");
  return [job.name, state, ago(job.lastSuccessAt)];
}

const sign = (well, good, bad) => (well ? mark("good", good) : mark("bad", bad));
