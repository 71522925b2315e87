// Events: what happened, to everyone; and who was told of what by webhook.

import { list, maybe } from "./api.js";
import { h } from "./dom.js";
import { count, many, time } from "./format.js";
import { lines } from "./ledger.js";
import { badge, card, command, empty, head } from "./parts.js";
import { address, move } from "./router.js";
import { names } from "./resources.js";

export const every = 4000;
export const title = () => "Events and deliveries";
const SHOWN = 50;

/** Reads a page of the ledger, and how far the webhooks are. */
export async function load({ behind, resource }, signal) {
  const [events, deliveries] = await Promise.all([
    list("/v1/events", { cursor: behind, resource, limit: SHOWN }, { signal }),
    maybe("/v1/deliveries", {}, { signal }),
  ]);
  return { events, deliveries };
}

/** Draws them. */
export function view({ events, deliveries }, { behind, resource = "" }) {
  const here = (changed) => address("events", { resource, ...changed });
  const choice = names().length > 1 && h("label.inline", {}, h("span", {}, "Resource"),
    h("select", { id: "resource", onchange: (event) => move(address("events", { resource: event.target.value }), { quietly: true }) },
      h("option", { value: "", selected: !resource }, "all"), names().map((name) => h("option", { value: name, selected: name === resource }, name))));
  return [
    head("Events and deliveries", behind ? "The ledger, newest first. This page stands still; the newest one is live." : "The ledger, newest first, as it is written."),
    webhooks(deliveries),
    card("Events", { key: "events", actions: choice },
      events.items.length ? lines(events.items, { whose: true }) : nothing(behind, here),
      (behind || events.next_cursor) && h("nav.pager", { "aria-label": "Pages of the ledger" },
        behind ? h("a.button", { href: here({}) }, "Newest") : h("span.button.off", { "aria-disabled": "true" }, "Newest"),
        events.next_cursor ? h("a.button", { href: here({ behind: events.next_cursor }) }, "Older") : h("span.button.off", { "aria-disabled": "true" }, "Older"))),
  ];
}

function nothing(behind, here) {
  if (behind) return empty("Nothing older is kept.", h("p", {}, h("a", { href: here({}) }, "Back to the newest")));
  return empty("Nothing has happened yet. Each upload, refund and correction is written here as it happens; to see one:",
    command("metergate use @alice:example.org media_bytes 5MB"));
}

function webhooks(deliveries) {
  if (!deliveries) return null;
  const targets = deliveries.items;
  const name = "Webhooks";
  if (!targets.length) {
    return card(name, { key: "webhooks" }, empty("Nobody is told of warnings and overages. Name somebody in metergate.toml and restart:",
      command("[[notify]] url = \"https://example.org/metergate\"")));
  }
  return card(name, { key: "webhooks" }, h("table.list", {}, h("caption.hidden", {}, "Webhooks"),
    h("thead", {}, h("tr", {}, ["To", "Told up to", "Waiting since", "Stands"].map((it) => h("th", { scope: "col" }, it)))),
    h("tbody", {}, targets.map((it) => h("tr", { key: String(it.number) },
      h("th", { scope: "row" }, it.host),
      h("td", { "data-label": "Told up to" }, it.told ? `notice ${count(it.told)}` : h("span.faint", {}, "nothing yet")),
      h("td", { "data-label": "Waiting since", class: it.oldest ? undefined : "bare" }, it.oldest ? time(it.oldest) : h("span.faint", {}, "–")),
      h("td", { "data-label": "Stands" }, it.waiting > 0 ? badge(`${many(it.waiting, "notice")} waiting`, "near") : badge("all told", "fine")))))));
}

