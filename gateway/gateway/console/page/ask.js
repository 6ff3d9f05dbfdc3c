// Questions before something is done, in the browser's own dialog: it keeps the focus, and gives it back.

import { h } from "./dom.js";

/**
 * Ask whether to do it; `reason` is the label of a text that is needed for it.
 * The text, "" where none is asked for, or null if it is not to be done.
 */
export function ask(title, explanation, verb, { reason, harm = false } = {}) {
  const text = h("textarea", { id: "reason", rows: "3", maxlength: "2000", required: true });
  const wanted = reason ? h("p", {}, h("label", { for: "reason" }, reason), text) : null;
  return open(
    title,
    [h("p", { id: "ask-explanation" }, explanation), wanted],
    [h("button", { type: "submit", class: harm ? "harm" : "main" }, verb)],
    "Cancel",
    () => text.value.trim(),
    // what is required is not only spaces
    () => text.setCustomValidity(reason && !text.value.trim() ? "Please say why." : ""),
  );
}

/** Show something to be read. */
export function show(title, content) {
  return open(
    title,
    content,
    [],
    "Close",
    () => "",
    () => {},
  );
}

function open(title, content, buttons, leave, value, check) {
  return new Promise((answered) => {
    const close = h("button", { type: "button", onclick: () => dialog.close() }, leave);
    const form = h(
      "form",
      { method: "dialog" },
      h("h2", { id: "ask-title" }, title),
      content,
      h("p", { class: "actions" }, buttons, close),
    );
    const dialog = h("dialog", { "aria-labelledby": "ask-title", "aria-describedby": "ask-explanation" }, form);
    let answer = null;
    form.addEventListener("input", check);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      answer = value();
      dialog.close();
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      answered(answer);
    });
    document.body.append(dialog);
    check();
    dialog.showModal();
  });
}
