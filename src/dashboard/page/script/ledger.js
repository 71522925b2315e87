// Ledger: what happened, newest first, page by page.

import { h } from "./dom.js";
import { amount, exactly, moment, time } from "./format.js";
import { badge, card, command, empty, subjectLink } from "./parts.js";
import { subjectAt } from "./router.js";
import { unitOf } from "./resources.js";

/** What is written down later than this is told with the moment it counts at: back-filled, or a long upload. */
const LATE = 60_000;

const KINDS = {
  use: ["used", "plain"], settle: ["uploaded", "fine"], set: ["set", "plain"], refund: ["given back", "near"],
  lapse: ["lapsed", "near"], reset: ["reset", "over"],
};

/** Returns lines of the ledger as a table. */
export function lines(items, { whose = false } = {}) {
  return h("table.list", { key: "lines" },
    h("caption.hidden", {}, "The ledger, newest first"),
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "When"), whose && h("th", { scope: "col" }, "Whose"),
      h("th", { scope: "col" }, "What"), h("th.number", { scope: "col" }, "Amount"), h("th", { scope: "col" }, "Resource"), h("th", { scope: "col" }, "Named by"))),
    h("tbody", {}, items.map((line) => row(line, whose))));
}

function row(line, whose) {
  const unit = unitOf(line.resource);
  const late = Math.abs(Date.parse(line.recorded) - Date.parse(line.at)) >= LATE;
  const none = line.kind === "lapse" || line.kind === "reset";
  const named = line.key ?? line.reservation;
  return h("tr", { key: String(line.id) },
    h("th.start", { scope: "row" }, time(line.recorded), late && h("span.faint", {}, ` counts at ${moment(line.at)}`)),
    whose && h("td", { "data-label": "Whose" }, subjectLink(line.subject)),
    h("td", { "data-label": "What" }, badge(...(KINDS[line.kind] ?? [line.kind]))),
    h("td.number", { "data-label": "Amount" }, none ? "–" : h("data.amount", { value: line.amount, "data-exact": exactly(line.amount, unit) }, line.member ?? amount(line.amount, unit))),
    h("td", { "data-label": "Resource" }, h("code", {}, line.resource), line.bucket && h("span.faint", {}, ` only ${line.bucket}`)),
    h("td", { "data-label": "Named by", class: named ? undefined : "bare" }, named ? h("code.faint", { title: named }, named.length > 20 ? `${named.slice(0, 18)}…` : named) : h("span.faint", {}, "–")));
}

/** Draws a page of the ledger of one subject. */
export function ledger({ subject, events }, { behind, resource }) {
  const here = (changed) => subjectAt(subject, { resource, ...changed });
  const name = "Ledger";
  if (!events.items.length && !behind) {
    return card(name, { key: "ledger" }, empty("Nothing has happened yet. The first upload through metergate is written here; so is what you record:",
      command(`metergate use ${subject} media_bytes 5MB`)));
  }
  return card(name, { key: "ledger" },
    events.items.length ? lines(events.items) : empty("Nothing older is kept."),
    (behind || events.next_cursor) && h("nav.pager", { "aria-label": "Pages of the ledger" },
      behind ? h("a.button", { href: here({}) }, "Newest") : h("span.button.off", { "aria-disabled": "true" }, "Newest"),
      events.next_cursor ? h("a.button", { href: here({ behind: events.next_cursor }) }, "Older") : h("span.button.off", { "aria-disabled": "true" }, "Older")));
}

