// View: the own quota, drawn. All that comes from elsewhere is set as text.

import { amount, away, bytes, clock, local, name, utc } from "./words.js";

const NEAR = 0.8;

const find = (id) => document.getElementById(id);

function make(tag, className, ...content) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...content);
  return made;
}

/** The least of several sizes, some of which may be none. */
function least(...sizes) {
  const known = sizes.filter((size) => size !== null);
  return known.length > 0 ? Math.min(...known) : null;
}

/** Shows all of it; `largest` is the size that the server takes in any case. */
export function show(quota, largest) {
  find("who").textContent = quota.user_id;
  verdict(quota, largest);
  const told = quota.resources.filter((it, index) => index === 0 || it.used !== 0 || it.limit !== null);
  find("resources").replaceChildren(...told.map((it) => resource(it, quota.now)));
  find("as-of").textContent = `As of ${clock(quota.now)}.`;
}

/** Forgets what was shown. */
export function clear() {
  find("who").textContent = "";
  find("verdict").replaceChildren();
  find("resources").replaceChildren();
  find("as-of").textContent = "";
  showFit("", true);
}

/** Says whether a file fits. */
export function showFit(text, fits) {
  find("fit").textContent = text;
  find("fit").classList.toggle("no", !fits);
}

function verdict({ upload, exempt, largest_now, max_upload_bytes, now }, largest) {
  const box = find("verdict");
  box.classList.toggle("no", !upload.allowed);
  if (!upload.allowed) {
    const resets = upload["org.metergate.quota"]?.resets_at;
    box.replaceChildren(make("p", "headline", "Files are refused at the moment"), make("p", "", upload.error));
    if (resets) {
      box.append(make("p", "", `In your time: ${local(resets)}, ${away(resets, now)}.`));
    }
    return;
  }
  const [room, most] = [least(largest_now, largest), least(max_upload_bytes, largest)];
  const usual = most !== null && room < most ? `; usually up to ${bytes(most)}` : "";
  const free = exempt ? "No limit is set for your account. " : "";
  const size = room === null ? "One file may have any size that the server takes." : `One file may have up to ${bytes(room)} right now${usual}.`;
  const words = free + size;
  box.replaceChildren(make("p", "headline", "You can upload files"), make("p", "", words));
}

function resource(it, now) {
  const title = make("h3", "", name(it.resource));
  const enforced = it.windows.filter((window) => window.mode !== "observe" && window.limit !== null);
  const shown = enforced.length > 0 ? enforced.map((window) => limited(window, it, now)) : [unlimited(it)];
  return make("div", "resource", title, ...shown);
}

function unlimited(it) {
  const when = it.windows[0]?.when ?? "in all";
  return make("p", "detail", `${amount(it.used, it)} used ${when}. There is no limit on it for you.`);
}

function limited(window, it, now) {
  const { used, reserved, limit, remaining } = window;
  const say = (value) => amount(value, it);
  const share = (value) => (limit > 0 ? Math.min(value / limit, 1) : 1);
  const taken = limit > 0 ? (used + reserved) / limit : 1;
  const level = remaining <= 0 ? "full" : taken >= NEAR ? "near" : "";

  const shared = { group: ", shared with others in your group", server: ", shared by everyone on this server" };
  const when = window.when.charAt(0).toUpperCase() + window.when.slice(1) + (shared[window.per] ?? "");
  const amounts = `${say(used)} of ${say(limit)}`;
  const figures = make("p", "figures", make("span", "when", when), make("span", "amounts", amounts));

  const bar = make("div", "bar");
  bar.setAttribute("role", "meter");
  bar.setAttribute("aria-label", `${name(it.resource)}, ${window.when}`);
  bar.setAttribute("aria-valuemin", "0");
  bar.setAttribute("aria-valuemax", "100");
  bar.setAttribute("aria-valuenow", String(Math.round(Math.min(taken, 1) * 100)));
  bar.setAttribute("aria-valuetext", `${amounts} used`);
  const part = (className, value) => {
    const span = make("span", className);
    span.style.width = `${value * 100}%`;
    span.toggleAttribute("data-none", value === 0);
    return span;
  };
  bar.append(part("used", share(used)), part("held", Math.min(share(reserved), 1 - share(used))));

  const left = remaining > 0 ? `${say(remaining)} left` : "Nothing left";
  const held = reserved > 0 ? `, ${say(reserved)} being uploaded` : "";
  const soft = window.mode === "soft" ? " Going past it is tolerated for a while." : "";
  const row = make("div", `window ${level}`.trim(), figures, bar);
  row.append(make("p", "left", `${left}${held}; ${anew(window, now)}.${soft}`));
  if (window.resets_at) {
    const time = make("time", "", local(window.resets_at));
    time.dateTime = window.resets_at;
    row.append(make("p", "moment", time, make("span", "utc", utc(window.resets_at))));
  }
  return row;
}

/** Says when there is room again. */
function anew({ period, resets_at: end }, now) {
  if (!end) {
    return period === "never" ? "this count never starts anew" : "nothing is used yet";
  }
  return `${period.startsWith("rolling") ? "the first of it is free again" : "starts anew"} ${away(end, now)}`;
}
