// Overview: how things stand, on one page that may stay open.

import { lately, list, maybe, readiness } from "./api.js";
import { h } from "./dom.js";
import { count } from "./format.js";
import { head } from "./parts.js";
import { names } from "./resources.js";
import { health } from "./health.js";
import { refused, tiles, uploaded } from "./flow.js";
import { mostUsed, underWay, whoIsOver } from "./people.js";
import { address, move } from "./router.js";

export const every = 5000;
export const title = () => "Overview";

const FAST = 10_000;
const SLOW = 30_000;
const HOUR = 3_600_000;
/** How far back the charts look, and in which steps. */
export const RANGES = {
  day: { title: "24 hours", step: "hour", span: 23 * HOUR },
  month: { title: "30 days", step: "day", span: 29 * 24 * HOUR },
  quarter: { title: "90 days", step: "day", span: 89 * 24 * HOUR },
};

/** Begins a range at a full hour, so that the same is asked until the next. */
export const since = (range) => new Date(Math.floor(Date.now() / HOUR) * HOUR - range.span).toISOString();
const until = () => new Date((Math.floor(Date.now() / HOUR) + 1) * HOUR).toISOString();

/** Returns the range that the address names. */
export const ranged = (parameters) => RANGES[parameters.range] ?? RANGES.month;

/** Reads all of it at once. */
export async function load(parameters, signal) {
  const resource = names().includes(parameters.resource) ? parameters.resource : names()[0];
  const range = ranged(parameters);
  const span = { step: range.step, start: since(range), end: until() };
  const [ready, status, refusals, reservations, deliveries, known] = await Promise.all([
    readiness(signal),
    maybe("/v1/status", {}, { signal }),
    maybe("/v1/refusals", span, { signal }),
    maybe("/v1/reservations", { limit: 100 }, { signal }),
    maybe("/v1/deliveries", {}, { signal }),
    list("/v1/subjects", { limit: 1 }, { age: SLOW, signal }),
  ]);
  // These look at everyone.
  const of = (path, given, age) => (resource ? lately(path, { resource, ...given }, age) : undefined);
  const history = of("/v1/history", span, FAST);
  const over = of("/v1/over", { limit: 9 }, SLOW);
  const top = of("/v1/top", { n: 8 }, FAST);
  return { resource, range, ready, status, history, refusals, over, top, reservations, deliveries, known };
}

/** Draws it. */
export function view(data, parameters) {
  const to = (changed) => move(address("", { ...parameters, name: undefined, ...changed }), { quietly: true });
  return [
    head("Overview", summary(data), choice(data, to), ranges(data, to)),
    health(data),
    data.known.items.length === 0 ? null : tiles(data),
    h("div.columns", { key: "flow" }, uploaded(data), refused(data)),
    h("div.columns.loose", { key: "people" }, mostUsed(data), h("div.stack", {}, whoIsOver(data), underWay(data))),
  ];
}

function summary({ ready, over }) {
  if (ready && ready.says && ready.says !== "all is well") return ready.says;
  const past = over?.items?.length ?? 0;
  if (!past) return "All is well.";
  const more = over.next_cursor || past > 8 ? "More than 8 have" : `${count(past)} ${past === 1 ? "has" : "have"}`;
  return `All is well. ${more} reached a limit.`;
}

function ranges({ range }, to) {
  return h("div.choice", { key: "ranges", role: "group", "aria-label": "How far back" }, Object.entries(RANGES).map(([key, it]) =>
    h("button", { type: "button", key, "aria-pressed": String(it === range), onclick: () => to({ range: key === "month" ? "" : key }) }, it.title)));
}

function choice({ resource }, to) {
  if (names().length < 2) return null;
  return h("label.inline", { key: "resource" }, h("span", {}, "Resource"),
    h("select", { id: "resource", onchange: (event) => to({ resource: event.target.value }) },
      names().map((name) => h("option", { value: name, selected: name === resource }, name))));
}

