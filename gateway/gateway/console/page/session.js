// Who is signed in, and the one way to ask the API.
//
// The access token is in memory alone. The refresh token is in sessionStorage: a reload goes on, another tab and the
// next start of the browser do not.

const KEPT = "console.session";
const REFRESH = "/api/v1/auth/refresh";
const LONGEST = 30_000;

let access = null;
let user = null;
let renewing = null;
let ended = () => {};

/** What the suite answered instead of what was asked for; `message` is for a person. */
export class Refusal extends Error {
  constructor(status, answer) {
    const fields = (answer.errors ?? []).map((error) => `${error.field} ${error.message}`).join("; ");
    super([answer.message ?? `The answer was ${status}.`, fields].filter(Boolean).join(" "));
    this.status = status;
    this.code = answer.code;
    this.requestId = answer.requestId;
  }
}

/** `told` is called with why, each time that a session ends by itself. */
export function onEnd(told) {
  ended = told;
}

/** Sign in. Throws a Refusal, also for who is no admin: that session is ended at once. */
export async function signIn(email, password) {
  await keep(await send("POST", "/api/v1/auth/login", { email, password, deviceName: "Console" }));
  if (user.role !== "admin") {
    await signOut();
    throw new Refusal(403, { message: "This account is not an admin's. The console is for admins alone." });
  }
  return user;
}

/** Go on with the session of before the reload: the user, or null where there is none. */
export async function goOn() {
  if (!kept()) return null;
  if (!(await alone())) {
    sessionStorage.removeItem(KEPT);
    return null;
  }
  await renew();
  return user;
}

/** End the session: here at once, and at the suite if that can be reached. */
export async function signOut() {
  const [token, own] = [access, kept()];
  const end = (using) => send("POST", "/api/v1/auth/logout", undefined, bearer(using));
  forget();
  try {
    await end(token).catch(async (refusal) => {
      if (refusal.status !== 401 || !own) throw refusal;
      // the token is over and the session is not: a new one ends it
      await end((await send("POST", REFRESH, { refreshToken: own.refreshToken })).accessToken);
    });
  } catch {
    // what is left of it at the suite is of no use without what was forgotten here
  }
}

/** Who is signed in. */
export const me = () => user;

/** `data` of the answer. `query` leaves out what is empty; `version` is what the change was decided on. */
export async function call(method, path, { query = {}, body, version } = {}) {
  const asked = String(new URLSearchParams(Object.entries(query).filter(([, value]) => value !== "" && value != null)));
  const address = `/api/v1${path}${asked ? `?${asked}` : ""}`;
  const conditions = version === undefined ? {} : { "If-Match": `"${version}"` };
  try {
    return await send(method, address, body, { ...bearer(access), ...conditions });
  } catch (refusal) {
    if (refusal.status !== 401) throw refusal;
  }
  // 401 is answered before anything is done: after it a change can be sent again
  await renew();
  return send(method, address, body, { ...bearer(access), ...conditions });
}

/** How the parts are, as the gateway sees them: `{name: "ok" | "unavailable"}`. */
export async function readiness() {
  const response = await reach("GET", "/health/ready");
  const answer = await response.json().catch(() => ({}));
  if (!answer.data?.checks) throw new Refusal(response.status, answer);
  return answer.data.checks;
}

function renew() {
  renewing ??= send("POST", REFRESH, { refreshToken: kept()?.refreshToken ?? "" })
    .then(keep)
    .catch((refusal) => {
      // away is not over: only an answer ends a session
      if (refusal.status !== 401 && refusal.status !== 403) throw refusal;
      forget();
      const over = new Refusal(401, { message: "The session has ended. Please sign in again." });
      ended(over.message);
      throw over;
    })
    .finally(() => (renewing = null));
  return renewing;
}

async function keep(tokens) {
  access = tokens.accessToken;
  user = tokens.user;
  sessionStorage.setItem(KEPT, JSON.stringify({ sessionId: tokens.sessionId, refreshToken: tokens.refreshToken }));
  await alone();
}

const kept = () => JSON.parse(sessionStorage.getItem(KEPT));

function forget() {
  access = user = null;
  sessionStorage.removeItem(KEPT);
  release();
}

// A tab that is duplicated has the refresh token of the first, and its second use would end the session of both: the
// first holds a lock as long as it lives, the second signs in anew.
let release = () => {};
let held = false;

async function alone() {
  // browsers have locks over TLS and on the machine itself
  if (held || !navigator.locks) return true;
  return new Promise((told) => {
    navigator.locks
      .request(`console.${kept().sessionId}`, { signal: AbortSignal.timeout(1_000) }, () => {
        held = true;
        told(true);
        return new Promise((done) => (release = () => ((held = false), done())));
      })
      .catch(() => told(false));
  });
}

const bearer = (token) => ({ Authorization: `Bearer ${token}` });

async function send(method, address, body, headers = {}) {
  const response = await reach(method, address, body, headers);
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refusal(response.status, answer);
  return answer.data;
}

async function reach(method, address, body, headers = {}) {
  const sent = body === undefined ? {} : { "Content-Type": "application/json" };
  try {
    return await fetch(address, {
      method,
      headers: { ...sent, ...headers },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: AbortSignal.timeout(LONGEST),
    });
  } catch {
    throw new Refusal(0, {
      message: "The suite can't be reached. Nothing is known of what was asked for: look again.",
    });
  }
}
