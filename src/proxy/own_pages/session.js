// Session: signing in and out at the homeserver, by its own ways. The token lives in this module's memory, nowhere else.

const LOGIN = "/_matrix/client/v3/login";
const LOGOUT = "/_matrix/client/v3/logout";
const DEVICE = "metergate quota page";

let token = null;

/** Something that a person should be told. */
export class Trouble extends Error {}

/** The session has ended elsewhere. */
export class Ended extends Trouble {}

export function isSignedIn() {
  return token !== null;
}

/** How one may sign in here: by password, and at whom else. */
export async function ways() {
  const { status, json } = await ask("GET", LOGIN);
  if (status !== 200 || !Array.isArray(json.flows)) {
    throw new Trouble("The server does not say right now how to sign in. Try again in a moment.");
  }
  const types = json.flows.map((flow) => flow.type);
  const sso = json.flows.find((flow) => flow.type === "m.login.sso");
  const named = Array.isArray(sso?.identity_providers) ? sso.identity_providers : [];
  const providers = named.map(({ id, name }) => ({ name: `Continue with ${name}`, address: redirect(id) }));
  if (sso && providers.length === 0) {
    providers.push({ name: "Continue with single sign-on", address: redirect() });
  }
  return { password: types.includes("m.login.password"), providers };
}

/** Where to go to sign in elsewhere; one comes back to this page, with a token to sign in by. */
function redirect(provider) {
  const back = encodeURIComponent(location.origin + location.pathname);
  const at = provider === undefined ? "" : `/${encodeURIComponent(provider)}`;
  return `${LOGIN}/sso/redirect${at}?redirectUrl=${back}`;
}

export function signInByPassword(user, password) {
  const isAddress = /^[^@\s]+@[^@\s]+$/.test(user);
  const identifier = isAddress
    ? { type: "m.id.thirdparty", medium: "email", address: user }
    : { type: "m.id.user", user };
  return signIn({ type: "m.login.password", identifier, password }, "Wrong user name or password. Check both, and try again.");
}

export function signInByToken(loginToken) {
  return signIn({ type: "m.login.token", token: loginToken }, "This sign-in is no longer valid. Please begin again.");
}

async function signIn(what, whenForbidden) {
  const answer = await ask("POST", LOGIN, { body: { ...what, initial_device_display_name: DEVICE } });
  if (answer.status !== 200 || typeof answer.json.access_token !== "string") {
    throw new Trouble(refusal(answer, whenForbidden));
  }
  token = answer.json.access_token;
}

/** Why the homeserver did not let somebody in, in words. */
function refusal({ status, json, headers }, whenForbidden) {
  const wait = Math.ceil(Number(headers.get("Retry-After")) || json.retry_after_ms / 1000) || 60;
  switch (json.errcode) {
    case "M_FORBIDDEN":
      return whenForbidden;
    case "M_LIMIT_EXCEEDED":
      return `Too many tries. Wait ${wait} seconds, then try again.`;
    case "M_USER_DEACTIVATED":
      return "This account has been deactivated.";
    case "M_USER_LOCKED":
      return "This account is locked.";
    default:
      return status >= 500 || !json.error ? "The server could not sign you in. Try again in a moment." : `The server says: ${json.error}`;
  }
}

/** The own quota; with a size, whether a file of that many bytes would fit. */
export async function quota(size) {
  const query = size === undefined ? "" : `?size=${size}`;
  const { status, json } = await ask("GET", `/_metergate/v1/quota${query}`, { authorized: true });
  if (status === 401) {
    token = null;
    throw new Ended("Your session has ended. Sign in again to see your figures.");
  }
  if (status !== 200) {
    throw new Trouble(json.error ?? "Your figures cannot be shown right now. Try again in a moment.");
  }
  return json;
}

/** The largest file that the server ever takes; null if it does not say. */
export async function largest() {
  const { status, json } = await ask("GET", "/_matrix/client/v1/media/config", { authorized: true });
  const size = json["m.upload.size"];
  return status === 200 && Number.isFinite(size) ? size : null;
}

/** Signs out; true if the server has confirmed it. The token is forgotten in any case. */
export async function signOut() {
  if (token === null) {
    return true;
  }
  // It is sent even if the page is closed meanwhile.
  const asked = ask("POST", LOGOUT, { authorized: true, body: {}, keepalive: true });
  token = null;
  try {
    const { status } = await asked;
    return status === 200 || status === 401;
  } catch {
    return false;
  }
}

async function ask(method, path, { body, authorized = false, keepalive = false } = {}) {
  const headers = {};
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
  }
  if (authorized) {
    headers.Authorization = `Bearer ${token}`;
  }
  const rest = { cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer", keepalive };
  let response;
  try {
    response = await fetch(path, { method, headers, body: body && JSON.stringify(body), ...rest });
  } catch {
    throw new Trouble("The server cannot be reached. Check your connection, and try again.");
  }
  const json = await response.json().catch(() => ({}));
  return { status: response.status, headers: response.headers, json: json ?? {} };
}
