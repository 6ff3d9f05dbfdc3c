// How the page is written: elements and text, never markup, so that nothing that anybody wrote is ever more than text.

/** An element; a property that begins with "on" listens, the others are attributes. */
export function h(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

/** The same of SVG. */
export function s(tag, properties = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), properties, children);
}

function fill(element, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== undefined && child !== null && child !== false));
  return element;
}

const at = (id) => document.getElementById(id);

/** Tell of a result: shown, and read out without moving the focus. */
export function tell(text) {
  at("wrong").textContent = "";
  at("said").textContent = text;
}

/** Tell of what went wrong, at once. */
export function alarm(error) {
  const name = error.requestId ? ` (request ${error.requestId})` : "";
  at("said").textContent = "";
  at("wrong").textContent = `${error.message}${name}`;
}

export function quiet() {
  at("said").textContent = at("wrong").textContent = "";
}

/** A button that does one thing at a time, and tells what went wrong with it. */
export function button(text, act, properties = {}) {
  const made = h("button", { type: "button", ...properties, onclick: () => busily(made, act) }, text);
  return made;
}

/** Run `act`; meanwhile the control does nothing, and keeps the focus. */
export async function busily(control, act) {
  if (control.getAttribute("aria-disabled") === "true") return;
  control.setAttribute("aria-disabled", "true");
  quiet();
  try {
    await act();
  } catch (error) {
    alarm(error);
  } finally {
    control.removeAttribute("aria-disabled");
  }
}

/** A labelled field; `options` make it a choice of {value: text}. */
export function field(name, text, { options, ...properties } = {}) {
  const id = `field-${name}`;
  const input = options
    ? h(
        "select",
        { id, ...properties },
        Object.entries(options).map(([value, name]) => h("option", { value }, name)),
      )
    : h("input", { id, ...properties });
  return [h("div", { class: "field" }, h("label", { for: id }, text), input), input];
}

/** Rows of cells under a heading of columns, in a frame that scrolls by itself where it is too wide. */
export function table(caption, columns, rows = []) {
  const body = h("tbody", {}, rows.map(row));
  const head = h(
    "tr",
    {},
    columns.map((name) => h("th", { scope: "col" }, name)),
  );
  // where the panel's title says the same, it is for who hears the page alone
  const title = { class: caption === at("title").textContent && "unseen" };
  const whole = h("table", {}, h("caption", title, caption), h("thead", {}, head), body);
  return [h("div", { class: "frame", role: "region", "aria-label": caption, tabindex: "0" }, whole), body];
}

/** A row whose first cell is what it is about. */
export function row([first, ...others]) {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, first ?? "–"),
    others.map((cell) => h("td", {}, cell ?? "–")),
  );
}

const MOMENT = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const NUMBER = new Intl.NumberFormat();
const SHARE = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });
const AGO = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
];

export const number = (value) => NUMBER.format(value);
export const share = (value) => (value === null || value === undefined ? "–" : SHARE.format(value));
export const words = (code) =>
  code
    .toLowerCase()
    .replaceAll("_", " ")
    .replace(/^./, (first) => first.toUpperCase());

/** An instant as the reader's clock has it. */
export function moment(instant) {
  return instant ? h("time", { datetime: instant }, MOMENT.format(new Date(instant))) : null;
}

/** How long ago it was. */
export function ago(instant) {
  if (!instant) return null;
  const seconds = Math.min(0, (new Date(instant) - Date.now()) / 1000);
  const [unit, size] = UNITS.find(([, length]) => -seconds >= length) ?? UNITS.at(-1);
  return h(
    "time",
    { datetime: instant, title: MOMENT.format(new Date(instant)) },
    AGO.format(Math.round(seconds / size), unit),
  );
}

/** A word with a sign before it: never colour alone. */
export function mark(kind, text) {
  return h("span", { class: `mark ${kind}` }, text);
}

/** The local date, as the API writes dates. */
export function day(offset = 0) {
  const date = new Date();
  date.setDate(date.getDate() + offset);
  return [date.getFullYear(), date.getMonth() + 1, date.getDate()]
    .map((part) => String(part).padStart(2, "0"))
    .join("-");
}
