// Exceptions: what one subject has of its own, each to be taken away again.

import { change, name as inPath } from "./api.js";
import { h } from "./dom.js";
import { amount, limit, time } from "./format.js";
import { act } from "./notice.js";
import { badge, card, command, empty } from "./parts.js";
import { unitOf } from "./resources.js";
import { place, setBack } from "./grants.js";

/** Draws them. */
export function exceptions({ subject, grants }, again) {
  const name = "Of its own";
  if (!grants) return card(name, { key: "own" }, nothing(subject));
  const lines = [];
  const put = (key, text, more, remove) => lines.push(h("li", { key },
    h("div", {}, h("strong", {}, text), h("p.faint", {}, more)), h("button.slim", { type: "button", onclick: remove }, "Remove",
      h("span.hidden", {}, ` ${text}`))));
  const undoing = (done, work) => () => act(done, work, { after: again, undo: () => setBack(subject, grants) });

  if (grants.assigned) {
    const { group, until, note } = grants.assigned;
    put("group", `Group ${group}`, lasting(until, note),
      undoing(`${subject} is taken out of group ${group}.`, () => place(subject, { ...grants, assigned: null })));
  }
  if (grants.exempt) {
    put("exempt", "Exempt from every limit", lasting(grants.exempt_until),
      undoing(`${subject} is no longer exempt.`, () => change("POST", "/v1/subjects", { subject, exempt: false })));
  }
  for (const [resource, it] of Object.entries(grants.overrides ?? {})) {
    put(`override-${resource}`, `${resource}: ${limit(it.limit, unitOf(resource))}`, [badge("override"), " ", lasting(it.until, it.note)],
      undoing(`The override of ${resource} is removed.`, () => change("DELETE", `/v1/overrides/${inPath(subject)}?resources=${inPath(resource)}`)));
  }
  for (const [resource, all] of Object.entries(grants.boosts ?? {})) {
    const sum = all.reduce((total, it) => total + it.amount, 0);
    put(`boost-${resource}`, `${resource}: ${amount(sum, unitOf(resource))} more`,
      [badge("boost"), " ", all.map((it) => lasting(it.until, it.note))],
      undoing(`The boost of ${resource} is removed.`, () => change("DELETE", `/v1/boosts/${inPath(subject)}?resource=${inPath(resource)}`)));
  }
  return card(name, { key: "own" }, lines.length ? h("ul.own", {}, lines) : nothing(subject));
}

const nothing = (subject) => empty("Nothing: its group decides. Something for it alone is given by the buttons above, or so:",
  command(`metergate boost add ${subject} media_bytes=200MB --until ${new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10)}`));

function lasting(until, note) {
  return h("span", {}, until ? ["ends ", time(until)] : "for good", note && ` · ${note}`);
}
