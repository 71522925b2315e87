// Flow: what was uploaded and what was refused, over time.

import { chart } from "./chart.js";
import { h } from "./dom.js";
import { amount, count, date, exactly, fullDate, hour, many, quantity, relative } from "./format.js";
import { card, command, empty, pending } from "./parts.js";
import { title, unitOf } from "./resources.js";

const total = (points, of = (point) => point.used) => points.reduce((sum, point) => sum + of(point), 0);

/** Draws the figures that one looks at first. */
export function tiles({ resource, range, history, refusals, over, reservations }) {
  const unit = unitOf(resource ?? "");
  const told = history?.failed ? null : history;
  const last = told?.at(-1);
  const now = range.step === "hour" ? "this hour" : "today";
  const held = reservations?.items ?? [];
  const room = held.reduce((sum, it) => sum + heldOf(it, resource), 0);
  const no = refusals && (refusals.items.at(-1) ?? { refused: 0 });
  const past = over?.items?.length ?? 0;
  return h("dl.tiles", { key: "tiles" }, [
    last && tile("used", `${used(resource)} ${now}`, quantity(last.used, unit, { focusable: true, name: "span" }), `${amount(total(told), unit)} in ${range.title}`),
    no && tile("refused", `Refused ${now}`, count(no.refused), `${many(total(refusals.items, (it) => it.refused), "upload")} in ${range.title}`),
    over?.items && tile("over", "At their limit", over.next_cursor || past > 8 ? "more than 8" : count(past), `by ${title(resource)}, now`),
    reservations && tile("held", "Under way", reservations.next_cursor ? `more than ${count(held.length)}` : count(held.length), `${amount(room, unit)} set aside`),
  ].filter(Boolean));
}

/** Returns how much of a resource a reservation holds. */
export function heldOf(reservation, resource) {
  const items = reservation.items ?? [];
  return items.filter((it) => it.resource === resource).reduce((sum, it) => sum + it.amount, 0);
}

const used = (resource) => (resource === "media_bytes" || !resource ? "Uploaded" : "Used");

function tile(key, name, value, more) {
  return h("div.tile", { key, class: key }, h("dt", {}, name), h("dd", {}, value), h("dd.more", {}, more));
}

/** Returns how moments of this step are told. */
export function words(step) {
  if (step === "hour") return { when: (at) => `${date(at)}, ${hour(at)}`, tick: hour };
  return { when: fullDate, tick: date };
}

/** Draws what was used. */
export function uploaded({ resource, range, history, known }) {
  const name = `${used(resource)} over time`;
  if (!resource || known.items.length === 0) {
    return card(name, { key: "uploaded" }, empty("Nothing has been counted yet. Have clients upload through metergate, or record something by hand:",
      command("metergate use @alice:example.org media_bytes 5MB")));
  }
  const wait = pending(history, `metergate history ${resource}`);
  if (wait) return card(name, { key: "uploaded" }, wait);
  if (!history) return card(name, { key: "uploaded" }, empty("This metergate does not tell its history."));
  const unit = unitOf(resource);
  return card(name, { key: "uploaded" }, chart({
    key: "uploaded-chart", title: name, ...words(range.step),
    points: history.map(({ start, used }) => ({ start, value: used, more: more(used, unit) })),
    tell: (value) => amount(value, unit), sum: `${amount(total(history), unit)} in ${range.title}`,
  }));
}

const more = (value, unit) => {
  const [text, exact] = [amount(value, unit), exactly(value, unit)];
  return text === exact ? text : `${text} (${exact})`;
};

/** Draws what was refused, bar under bar with what was used. */
export function refused({ refusals, range, history }) {
  const name = "Refused over time";
  if (!refusals) return card(name, { key: "refused" }, empty("How much was refused is not known here."));
  const told = new Map(refusals.items.map((it) => [Date.parse(it.start), it]));
  const sum = total(refusals.items, (it) => it.refused);
  const since = `since metergate started ${relative(refusals.since)}`;
  if (sum === 0) {
    return card(name, { key: "refused" }, empty(`No upload was refused ${since}. Who would be, one can ask:`,
      command("metergate check @alice:example.org --cap upload_media --amount 10MB")));
  }
  const starts = history?.length > 0 ? history.map((it) => it.start) : refusals.items.map((it) => it.start);
  const first = Math.min(...told.keys());
  const point = (start) => {
    const it = told.get(Date.parse(start));
    if (!it) return { start, value: 0, more: Date.parse(start) < first ? "not known" : "none" };
    return { start, value: it.refused, more: `${many(it.refused, "upload")}${it.bytes ? `, ${amount(it.bytes)}` : ""}` };
  };
  return card(name, { key: "refused" }, chart({
    key: "refused-chart", title: name, ...words(range.step), kind: "refuse", points: starts.map(point),
    tell: count, sum: many(sum, "upload"), note: `Counted ${since}.`,
  }));
}
