// The page: signing in and out, and which panel is shown.

import { alarm, busily, h, quiet, tell } from "./dom.js";
import { figures } from "./figures.js";
import { doctors, reviews } from "./moderation.js";
import { deadLetters, health, jobs } from "./operation.js";
import { erasures, users } from "./people.js";
import { goOn, onEnd, signIn, signOut } from "./session.js";

const PANELS = {
  figures: ["Figures", figures],
  doctors: ["Doctors", doctors],
  reviews: ["Reviews", reviews],
  users: ["Users", users],
  jobs: ["Jobs", jobs],
  "dead-letters": ["Dead letters", deadLetters],
  erasures: ["Erasures", erasures],
  health: ["Health", health],
};
const IDLE_MINUTES = 30;

const at = (id) => document.getElementById(id);
let user = null;

for (const [name, [title]] of Object.entries(PANELS)) {
  at("panels").append(h("a", { href: `#${name}` }, title));
}

function chosen() {
  const name = location.hash.slice(1);
  return Object.hasOwn(PANELS, name) ? name : "figures";
}

async function open({ focus = true } = {}) {
  const name = chosen();
  const [title, fill] = PANELS[name];
  for (const link of at("panels").children) {
    if (link.hash === `#${name}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  dismiss();
  document.title = `${title} – Console`;
  at("title").textContent = title;
  quiet();
  if (focus) at("title").focus();
  // each opening fills a place of its own: what comes late for a panel that was left goes nowhere
  const place = h("div", { id: "content", "aria-busy": "true" });
  at("content").replaceWith(place);
  try {
    await fill(place);
  } catch (error) {
    if (place.isConnected && user) alarm(error);
  } finally {
    place.removeAttribute("aria-busy");
  }
}

/** A question about a panel that was left, as by the browser's way back, is answered no. */
function dismiss() {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
}

function show(who) {
  user = who;
  for (const id of ["who", "panels", "panel"]) at(id).hidden = !who;
  at("sign-in").hidden = Boolean(who);
  at("name").textContent = who ? `${who.name}, ${who.email}` : "";
  at("password").value = "";
  dismiss();
  if (who) return open();
  // nothing of what was shown stays, and what comes late is shown no more
  at("content").replaceWith(h("div", { id: "content" }));
  document.title = "Sign in – Console";
  quiet();
  at("email").focus();
  // whoever signs in next writes in the place of who did before
  at("email").select();
}

at("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  busily(at("sign-in").querySelector("button"), async () => {
    quiet();
    try {
      const who = await signIn(at("email").value, at("password").value);
      show(who);
    } catch (error) {
      at("password").focus();
      throw error;
    }
  });
});

async function leave(said) {
  const over = signOut();
  show(null);
  tell(said);
  await over;
}

at("sign-out").addEventListener("click", () => busily(at("sign-out"), () => leave("You are signed out.")));
at("refresh").addEventListener("click", () => busily(at("refresh"), () => open({ focus: false })));
at("skip").addEventListener("click", (event) => {
  event.preventDefault();
  at("main").focus();
});
window.addEventListener("hashchange", () => user && open());
onEnd((why) => {
  if (!user) return;
  show(null);
  alarm({ message: why });
});

// whoever walks away is signed out
let idle;
function awake() {
  clearTimeout(idle);
  idle = setTimeout(
    () => user && leave(`Signed out after ${IDLE_MINUTES} minutes without a key or a pointer.`),
    IDLE_MINUTES * 60_000,
  );
}
for (const kind of ["keydown", "pointerdown"]) window.addEventListener(kind, awake, { passive: true });
awake();

try {
  show(await goOn());
} catch (error) {
  show(null);
  alarm(error);
}
