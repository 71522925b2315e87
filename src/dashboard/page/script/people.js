// People: who is over, who uses most, who is uploading now.

import { h } from "./dom.js";
import { amount, many, percent, period, share, time } from "./format.js";
import { bar, badge, card, command, empty, pending, subjectLink, usedOf } from "./parts.js";
import { heldOf } from "./flow.js";
import { address } from "./router.js";
import { unitOf } from "./resources.js";

const SHOWN = 6;

function row(it) {
  const unit = unitOf(it.resource);
  const part = share(it.used, it.limit);
  return h("li.person", { key: it.subject },
    h("div.line", {}, subjectLink(it.subject), usedOf(it.used, it.limit, unit)),
    part !== null && bar(it.used, 0, it.limit, `${percent(part)} ${period(it.period)}`),
    h("div.line.faint", {}, h("span", {}, part === null ? `no limit, ${period(it.period)}` : `${percent(part)} ${period(it.period)}`),
      it.resets_at ? h("span", {}, "resets ", time(it.resets_at)) : null));
}

/** Draws who has reached a limit. */
export function whoIsOver({ over }) {
  const name = "At their limit";
  const wait = pending(over, "metergate over media_bytes");
  if (wait) return card(name, { key: "over" }, wait);
  if (!over) return card(name, { key: "over" }, empty("Who is over is not known here."));
  if (!over.items.length) {
    return card(name, { key: "over" }, empty("Nobody has reached a limit. Limits are set by group:",
      h("p", {}, h("a", { href: address("groups") }, "See the groups"))));
  }
  const more = over.next_cursor || over.items.length > SHOWN;
  return card(name, { key: "over" }, h("ol.people", {}, over.items.slice(0, SHOWN).map(row)),
    more && h("div", {}, h("p.faint", {}, "More of them:"), command(`metergate over ${over.items[0].resource}`)));
}

/** Draws who used most. */
export function mostUsed({ top, resource }) {
  const name = "Most used this period";
  const wait = pending(top, "metergate top media_bytes -n 10");
  if (wait) return card(name, { key: "top" }, wait);
  if (!top?.items?.length) {
    return card(name, { key: "top" }, empty("Nobody has used anything yet in this period.",
      command(`metergate top ${resource ?? "media_bytes"} -n 10`)));
  }
  const words = `Most used ${period(top.items[0].period)}`;
  return card(words, { key: "top" }, h("ol.people", {}, top.items.slice(0, SHOWN).map(row)));
}

/** Draws what is being uploaded. */
export function underWay({ reservations, resource }) {
  const name = "Under way now";
  if (!reservations) return card(name, { key: "held" }, empty("What is under way is not known here."));
  const held = reservations.items;
  if (!held.length) return card(name, { key: "held" }, empty("Nobody is uploading at the moment."));
  const unit = unitOf(resource ?? "");
  const line = (it) => h("li.person", { key: it.id },
    h("div.line", {}, subjectLink(it.subject), h("span", {}, amount(heldOf(it, resource), unit))),
    h("div.line.faint", {}, h("span", {}, "since ", time(it.at ?? it.begun)),
      it.expires ?? it.until ? h("span", {}, "lapses ", time(it.expires ?? it.until)) : badge("live", "fine")));
  return card(name, { key: "held" }, h("ol.people", {}, held.slice(0, SHOWN).map(line)),
    held.length > SHOWN && h("p.faint", {}, `and ${many(held.length - SHOWN, "more", "more")}${reservations.next_cursor ? ", at least" : ""}`));
}

