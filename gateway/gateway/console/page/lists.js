// Lists that come in pages.

import { button, busily, h, row, table, tell } from "./dom.js";
import { call } from "./session.js";

/**
 * Fill `place` with a table of what the API lists at `path`; `cells(item)` makes a row.
 * The whole list is read anew by the function that this returns; it tells what `said` says, if that is given.
 */
export function paged(place, { caption, columns, path, query, cells, empty }) {
  async function load(said) {
    const [frame, body] = table(caption, columns);
    const more = button("Show more", () => add(more.cursor));
    const add = async (cursor) => {
      const found = await call("GET", path, { query: { ...query(), cursor, limit: 50 } });
      const rows = found.items.map((item) => row(cells(item)));
      body.append(...rows);
      more.cursor = found.nextCursor;
      more.hidden = !found.nextCursor;
      if (cursor && rows.length) {
        rows[0].tabIndex = -1;
        rows[0].focus();
      }
      return rows.length;
    };
    const count = await add();
    place.replaceChildren(...(count ? [frame, more] : [h("p", { class: "empty" }, empty)]));
    if (said) {
      tell(said);
      // what had the focus is gone with the old rows
      document.getElementById("title").focus();
    }
  }
  return load;
}

/** A form of fields that reads the list anew when it is sent, or a choice in it changes. */
export function filters(fields, load, verb = "Search") {
  const send = h("button", { type: "submit" }, verb);
  return h(
    "form",
    {
      class: "filters",
      role: "search",
      onsubmit: (event) => {
        event.preventDefault();
        busily(send, load);
      },
      onchange: (event) => event.target.matches("select") && busily(send, load),
    },
    fields,
    send,
  );
}
