// Plots: drawn as SVG from numbers, each with its table of the same.

import { h, row, s, table } from "./dom.js";

const [HEIGHT, LEFT, BOTTOM, TOP] = [220, 52, 24, 10];
const PER_LABEL = 48;

/**
 * Bars, one on the other: `rows` are {label, values: {key: number or null}}, `series` are {key, name} in their order,
 * `write` makes a number's text, `ceiling` is what the axis shows at the least, `width` is to the height of 220, `what` the
 * rows are.
 */
export function bars(
  title,
  rows,
  series,
  { write = String, ceiling = 0, about = "", width = 340, what = "Date" } = {},
) {
  const total = (values) => series.reduce((sum, { key }) => sum + (values[key] ?? 0), 0);
  const top = upTo(Math.max(ceiling, ...rows.map(({ values }) => total(values))));
  const height = (value) => ((HEIGHT - TOP - BOTTOM) * value) / top;
  const step = (width - LEFT) / Math.max(rows.length, 1);
  const each = Math.ceil(PER_LABEL / step);
  const drawn = rows.flatMap(({ label, values }, place) => {
    let base = HEIGHT - BOTTOM;
    return series.map(({ key, name }) => {
      if (!values[key]) return null;
      const tall = height(values[key]);
      base -= tall;
      const box = { x: LEFT + place * step + step * 0.1, y: base, width: step * 0.8, height: tall };
      return s("rect", { ...box, class: `bar ${key}` }, s("title", {}, `${label}, ${name}: ${write(values[key])}`));
    });
  });
  const lines = [0, top / 2, top].map((value) => {
    const y = HEIGHT - BOTTOM - height(value);
    const text = s("text", { x: LEFT - 6, y: y + 4, class: "left" }, write(value));
    return s("g", {}, s("line", { x1: LEFT, x2: width, y1: y, y2: y, class: "grid" }), text);
  });
  const labels = rows.map(({ label }, place) =>
    place % each ? null : s("text", { x: LEFT + (place + 0.5) * step, y: HEIGHT - 6, class: "below" }, label),
  );
  const picture = s(
    "svg",
    {
      class: width > 340 ? "wide" : null,
      viewBox: `0 0 ${width} ${HEIGHT}`,
      role: "img",
      "aria-label": `${title}. ${about} The table has the figures.`,
    },
    lines,
    drawn,
    labels,
  );
  const key =
    series.length > 1
      ? h(
          "ul",
          { class: "key" },
          series.map((one) => h("li", { class: one.key }, one.name)),
        )
      : null;
  const cells = rows.map(({ label, values }) =>
    row([label, ...series.map((one) => (values[one.key] == null ? null : write(values[one.key])))]),
  );
  const [frame, body] = table(title, [what, ...series.map(({ name }) => name)]);
  body.append(...cells);
  return h(
    "figure",
    { class: "card" },
    h("figcaption", {}, title),
    about && h("p", { class: "about" }, about),
    h("div", { class: "drawing" }, picture),
    key,
    h("details", {}, h("summary", {}, `Table: ${title}`), frame),
  );
}

/** The next number of one figure, of which the half is as easily read. */
function upTo(value) {
  if (!value) return 1;
  const size = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 6, 8, 10].map((step) => step * size).find((step) => step >= value);
}
