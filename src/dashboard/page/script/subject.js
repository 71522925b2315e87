// Subject: all about one: what is left of each window, why, what was used, and what can be done.

import { get, list, maybe, name as inPath } from "./api.js";
import { chart } from "./chart.js";
import { h } from "./dom.js";
import { actions } from "./actions.js";
import { amount, many } from "./format.js";
import { words } from "./flow.js";
import { ledger } from "./ledger.js";
import { exceptions } from "./exceptions.js";
import { badge, card, empty, head } from "./parts.js";
import { address, move, subjectAt } from "./router.js";
import { unitOf } from "./resources.js";
import { windows } from "./windows.js";

export const every = 5000;
export const title = ({ name }) => name;

const LINES = 25;
const DAY = 86_400_000;
const BACK = 90;
/** Of more resources than these the reasons are not asked for. */
const EXPLAINED = 8;

/** Reads all of it. */
export async function load({ name: subject, resource, behind }, signal) {
  const [summary, grants, events, groups] = await Promise.all([
    get("/v1/summary", { subject }, { signal }),
    maybe(`/v1/subjects/${inPath(subject)}`, {}, { signal }),
    list("/v1/events", { subject, cursor: behind, limit: LINES }, { signal }),
    maybe("/v1/groups", { limit: 1000 }, { age: 30_000, signal }),
  ]);
  const all = summary.resources.map((it) => it.resource);
  const shown = all.includes(resource) ? resource : [...all].sort((a, b) => (b === "media_bytes") - (a === "media_bytes"))[0];
  const start = new Date(Math.floor(Date.now() / DAY) * DAY - (BACK - 1) * DAY).toISOString();
  const end = new Date(Math.floor(Date.now() / DAY) * DAY + DAY).toISOString();
  const [history, ...why] = await Promise.all([
    shown && maybe("/v1/history", { subject, resource: shown, step: "day", start, end }, { age: 15_000, signal }),
    ...all.slice(0, EXPLAINED).map((it) => maybe("/v1/explain", { subject, resource: it }, { age: 10_000, signal })),
  ]);
  const claims = Object.fromEntries(why.filter(Boolean).flatMap((it) => it.resources.map((of) => [of.resource, of])));
  return { subject, summary, grants, events, groups: groups?.items ?? [], resource: shown, history, claims };
}

/** Draws it. */
export function view(data, parameters, again) {
  const { subject, summary, grants } = data;
  return [
    h("p.crumb", { key: "crumb" }, h("a", { href: address("subjects") }, "Subjects")),
    head(subject, place(summary, grants), actions(data, again)),
    windows(data),
    h("div.columns.uneven", { key: "middle" }, history(data, parameters), exceptions(data, again)),
    ledger(data, parameters),
  ];
}

function place({ group, because, exempt }, grants) {
  if (exempt) return h("span", {}, badge("exempt", "near"), " Nothing is refused; all is counted.");
  if (!group) return "In no group: nothing is limited by one.";
  const [kind] = (because ?? "").split(" ");
  const why = { default: "as everyone who is in no other", rule: "by a rule", group: "put there" }[kind] ?? "";
  const until = grants?.until ? `, until ${grants.until.slice(0, 10)}` : "";
  return h("span", {}, "In group ", badge(group), why && ` ${why}${until}`);
}

function history({ subject, summary, resource, history: points }, parameters) {
  const names = summary.resources.map((it) => it.resource);
  const choose = (event) => move(subjectAt(subject, { ...parameters, name: undefined, resource: event.target.value }), { quietly: true });
  const choice = names.length > 1 && h("label.inline", {}, h("span", {}, "Resource"),
    h("select", { id: "resource", onchange: choose }, names.map((it) => h("option", { value: it, selected: it === resource }, it))));
  const title = `The last ${BACK} days`;
  if (!points) return card(title, { key: "history", actions: choice }, empty("No history is known of a resource that is not declared. Name one in a group first."));
  const unit = unitOf(resource);
  const sum = points.reduce((total, it) => total + it.used, 0);
  const active = points.filter((it) => it.used > 0).length;
  return card(title, { key: "history", actions: choice }, chart({
    key: "history-chart", title: `${resource} in ${title.toLowerCase()}`, ...words("day"),
    points: points.map(({ start, used }) => ({ start, value: used })),
    tell: (value) => amount(value, unit), sum: sum === 0 ? "Nothing used" : `${amount(sum, unit)} on ${many(active, "day")}`,
  }));
}
