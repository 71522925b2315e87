// Words: amounts and moments as a person reads them.

const UNITS = [
  ["EB", 1e18],
  ["PB", 1e15],
  ["TB", 1e12],
  ["GB", 1e9],
  ["MB", 1e6],
  ["kB", 1e3],
];
const DAY = 86_400;
const LANGUAGE = navigator.language?.startsWith("en") ? navigator.language : "en-GB";

/** A size with at most two decimals, never rounded up: what is shown as left is there. */
export function bytes(amount) {
  const [name, factor] = UNITS.find(([, factor]) => Math.abs(amount) >= factor) ?? ["B", 1];
  return `${Math.trunc((amount / factor) * 100 + Math.sign(amount) * 1e-6) / 100} ${name}`;
}

/** An amount of a resource, in its unit. */
export function amount(value, { unit, decimals }) {
  if (unit === "bytes") {
    return bytes(value);
  }
  const number = String(value / 10 ** decimals);
  return unit === "count" ? number : `${number} ${unit}`;
}

/** What a resource is called. */
export function name(resource) {
  const known = { media_bytes: "Size of your files", uploads: "Number of files", files: "Number of files" };
  const plain = resource.replace(/_bytes$/, "").replaceAll("_", " ");
  return known[resource] ?? plain.charAt(0).toUpperCase() + plain.slice(1);
}

const DATE = { day: "numeric", month: "long", year: "numeric" };
const HOUR = { hour: "2-digit", minute: "2-digit" };

/** A moment by the reader's own clock. */
export function local(time) {
  const whole = { weekday: "long", ...DATE, ...HOUR, timeZoneName: "short" };
  return new Intl.DateTimeFormat(LANGUAGE, whole).format(new Date(time));
}

/** A moment in the words of a refusal. */
export function utc(time) {
  const part = (of) => new Intl.DateTimeFormat("en-GB", { ...of, timeZone: "UTC" }).format(new Date(time));
  return `${part(DATE)} ${part(HOUR)} UTC`;
}

/** How far away a moment is: "in 9 days". */
export function away(time, now) {
  const seconds = (new Date(time) - new Date(now)) / 1000;
  const [unit, size] = [["day", DAY], ["hour", 3600], ["minute", 60]].find(([, size]) => seconds >= size) ?? ["second", 1];
  return new Intl.RelativeTimeFormat("en", { numeric: "always" }).format(Math.max(Math.round(seconds / size), 1), unit);
}

/** The time of day. */
export function clock(time) {
  return new Intl.DateTimeFormat(LANGUAGE, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(new Date(time));
}
