// Api: asks metergate. Calls /v1, /session and /readyz, and nothing else.

/** Why a call was not answered as hoped. */
export class Failure extends Error {
  /** `kind`: signed_out, gone, store, missing, conflict, bad. */
  constructor(kind, message, status) {
    super(message);
    this.kind = kind;
    this.status = status;
  }
}

const KINDS = { 400: "bad", 401: "signed_out", 404: "missing", 405: "missing", 409: "conflict", 503: "store" };
const TIMEOUT = 35_000;
/** Answers that are kept for a while. */
const kept = new Map();

async function call(method, path, body, signal) {
  const late = AbortSignal.timeout(TIMEOUT);
  const told = { method, credentials: "same-origin", cache: "no-store", redirect: "error" };
  told.signal = signal ? AbortSignal.any([signal, late]) : late;
  if (body !== undefined) {
    told.body = JSON.stringify(body);
    told.headers = { "Content-Type": "application/json" };
  }
  let answer, text;
  try {
    answer = await fetch(path, told);
    text = await answer.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Failure("gone", "metergate does not answer");
  }
  const read = parse(text);
  if (answer.ok) return read;
  const message = read?.error?.message ?? `metergate answered ${answer.status}`;
  throw new Failure(KINDS[answer.status] ?? "bad", message, answer.status);
}

function parse(text) {
  try {
    return text ? JSON.parse(text) : null;
  } catch {
    return null;
  }
}

/** Returns `path?a=b` without what is not given. */
export function query(path, given = {}) {
  const said = Object.entries(given).filter(([, value]) => value !== undefined && value !== null && value !== "");
  const words = new URLSearchParams(said).toString();
  return words ? `${path}?${words}` : path;
}

/** Reads; an answer younger than `age` milliseconds is taken as it was. */
export async function get(path, given, { age = 0, signal } = {}) {
  const asked = query(path, given);
  const known = kept.get(asked);
  if (known && Date.now() - known.at < age) return known.answer;
  const answer = await call("GET", asked, undefined, signal);
  if (kept.size > 200) kept.clear();
  if (age) kept.set(asked, { at: Date.now(), answer });
  return answer;
}

/** Reads what not every metergate tells: undefined if this one does not. */
export async function maybe(path, given, options) {
  try {
    return await get(path, given, options);
  } catch (error) {
    if (error.kind === "missing") return undefined;
    throw error;
  }
}

/** Reads a page of a list: `{items, next_cursor}`. */
export async function list(path, given, options) {
  const answer = await get(path, given, options);
  return Array.isArray(answer) ? { items: answer, next_cursor: null } : answer;
}

/** Told of on `window` once a slow answer has come. */
export const LATE = "metergate-late";
const slow = new Map();
/** They are asked one after the other: each may keep the store busy. */
let queue = Promise.resolve();

/**
 * Returns what a call that may take long was answered last, and asks again if that is older than `age` milliseconds;
 * null before the first answer, undefined if this metergate does not tell it, `{failed}` if that went wrong. Nobody
 * waits for it.
 */
export function lately(path, given, age) {
  const asked = query(path, given);
  if (!slow.has(asked)) slow.set(asked, { answer: null, at: 0, busy: false });
  const known = slow.get(asked);
  if (!known.busy && Date.now() - known.at >= age) {
    known.busy = true;
    const told = (answer) => {
      const news = JSON.stringify(answer) !== JSON.stringify(known.answer) || known.answer === null;
      Object.assign(known, { answer, at: Date.now(), busy: false });
      if (news) dispatchEvent(new Event(LATE));
    };
    // What was known before stays; the other calls of the page say what is wrong with metergate.
    const failed = (error) => told(known.answer && !known.answer.failed ? known.answer : { failed: error.message });
    queue = queue.then(() => maybe(path, given)).then(told, failed);
  }
  return known.answer;
}

/** Changes something; what was kept may be different then. */
export async function change(method, path, body) {
  try {
    return await call(method, path, body);
  } finally {
    kept.clear();
    for (const known of slow.values()) known.at = 0;
  }
}

/** Forgets all that was answered: whoever was signed in has left. */
export function forget() {
  kept.clear();
  slow.clear();
}

/** Returns a name as a part of a path. */
export const name = encodeURIComponent;

export const session = {
  read: () => call("GET", "/session"),
  begin: (token) => call("POST", "/session", { token }),
  end: () => call("DELETE", "/session"),
};

/** Returns how store and homeserver stand; answered 503, it says what is out. */
export async function readiness(signal) {
  try {
    const answer = await fetch("/readyz", { cache: "no-store", signal });
    return parse(await answer.text());
  } catch {
    return null;
  }
}
