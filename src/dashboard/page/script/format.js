// Format: amounts, times and shares as people read them; the exact ones behind them.

import { h } from "./dom.js";

const THOUSANDS = ["", "k", "M", "G", "T", "P", "E"];
const LOCALE = "en-GB";
const counted = new Intl.NumberFormat(LOCALE);

/** Returns `498 MB`, `12,000`; bytes by the thousand, as limits are written. */
export function amount(value, unit = "bytes") {
  if (value === null || value === undefined) return "unlimited";
  if (unit !== "bytes") return unit === "count" ? counted.format(value) : `${counted.format(value)} ${unit}`;
  let [size, step] = [Math.abs(value), 0];
  while (size >= 999.5 && step < THOUSANDS.length - 1) [size, step] = [size / 1000, step + 1];
  const digits = step === 0 || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  const rounded = String(Number(size.toFixed(digits)));
  return `${value < 0 ? "−" : ""}${rounded} ${THOUSANDS[step]}B`;
}

/** Returns `498,000,000 bytes`. */
export function exactly(value, unit = "bytes") {
  if (value === null || value === undefined) return "no limit";
  const what = unit === "count" ? "" : ` ${unit}`;
  return `${counted.format(value)}${what}`;
}

/** Returns an amount that shows its exact self on hover and, where `focusable`, on focus. */
export function quantity(value, unit, { focusable = false, name = "data" } = {}) {
  const [text, exact] = [amount(value, unit), exactly(value, unit)];
  const differs = text !== exact && value !== null && value !== undefined;
  const tip = differs ? { "data-exact": exact } : {};
  const focus = differs && focusable ? { tabindex: "0", role: "note", "aria-label": `${text}, exactly ${exact}` } : {};
  return h(`${name}.amount`, { ...tip, ...focus, value: name === "data" ? value : undefined }, text);
}

export const count = (value) => counted.format(value);

/** Returns `1 upload`, `2 uploads`. */
export const many = (value, one, more = `${one}s`) => `${count(value)} ${value === 1 ? one : more}`;

let zone = "UTC";
let clocks = {};

/** Tells days and hours as they are in this time zone from now on: the one in which limits reset. */
export function useZone(name) {
  const words = (options) => new Intl.DateTimeFormat(LOCALE, { ...options, timeZone: name });
  try {
    clocks = {
      day: words({ day: "numeric", month: "short" }),
      year: words({ day: "numeric", month: "short", year: "numeric" }),
      hour: words({ hour: "2-digit", minute: "2-digit" }),
      whole: words({
        weekday: "short", day: "numeric", month: "short", year: "numeric",
        hour: "2-digit", minute: "2-digit", second: "2-digit",
      }),
    };
    zone = name;
  } catch {
    // A zone that this browser does not know: what was in use stays.
  }
}
useZone(zone);

export const date = (moment) => clocks.day.format(new Date(moment));
export const fullDate = (moment) => clocks.year.format(new Date(moment));
export const hour = (moment) => clocks.hour.format(new Date(moment));
export const moment = (at) => `${clocks.whole.format(new Date(at))} ${zone}`;

const SPANS = [["second", 60], ["minute", 60], ["hour", 24], ["day", 31], ["month", 12], ["year", Infinity]];
const spoken = new Intl.RelativeTimeFormat("en", { numeric: "auto" });

/** Returns `in 9 days`, `3 minutes ago`. */
export function relative(at, now = Date.now()) {
  let span = (new Date(at) - now) / 1000;
  if (Math.abs(span) < 5) return "just now";
  for (const [name, more] of SPANS) {
    if (Math.abs(Math.round(span)) < more) return spoken.format(Math.round(span), name);
    span /= name === "day" ? 30.44 : more;
  }
  return "";
}

/** Returns a moment told relatively, its exact self on hover. */
export function time(at, { plain = false } = {}) {
  if (!at) return h("span.faint", {}, "never");
  return h("time", { datetime: at, "data-exact": moment(at) }, plain ? moment(at) : relative(at));
}

/** Returns how much of a limit is used, from 0 on; null without one. */
export function share(used, limit) {
  if (limit === null || limit === undefined) return null;
  if (limit === 0) return used > 0 ? 1 : 0;
  return used / limit;
}

/** Returns `over`, `near` or `fine`. */
export function standing(part) {
  if (part === null || part < 0.8) return "fine";
  return part < 1 ? "near" : "over";
}

/** Returns `87 %`; never 100 for what is less. */
export function percent(part) {
  if (part === null) return "";
  const hundredths = part * 100;
  if (hundredths > 0 && hundredths < 1) return "under 1 %";
  return `${count(hundredths < 100 ? Math.floor(hundredths) : Math.round(hundredths))} %`;
}

const PERIODS = {
  minute: "this minute", hour: "this hour", day: "today", week: "this week", month: "this month",
  quarter: "this quarter", year: "this year", never: "in all",
};

/** Returns `this month`, `rolling 30d` as words. */
export function period(name) {
  if (!name) return "";
  return PERIODS[name] ?? (name.startsWith("rolling") ? `the last ${name.slice(8)}` : `per ${name}`);
}

/** Returns an amount as it is written into a form: `500 MB`. */
export function written(value, unit) {
  if (unit !== "bytes") return String(value);
  for (const [step, factor] of [["EB", 1e18], ["PB", 1e15], ["TB", 1e12], ["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) {
    if (value >= factor && Number.isInteger((value / factor) * 1000)) return `${value / factor} ${step}`;
  }
  return String(value);
}

/** Returns a limit as it is written, its numbers with units: `500 MB/month, 2 GB/day soft`. */
export function limit(limits, unit = "bytes") {
  const all = Array.isArray(limits) ? limits : [String(limits ?? "unlimited")];
  return all.map((it) => String(it).replace(/^\d+/, (digits) => written(Number(digits), unit))
    .replace(/ceiling (\d+)/, (_, digits) => `ceiling ${written(Number(digits), unit)}`)).join(", ");
}
