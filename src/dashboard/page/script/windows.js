// Windows: what is left of each limit of one subject, and which rule put it in force.

import { h } from "./dom.js";
import { amount, limit, percent, period, quantity, share, standing, time } from "./format.js";
import { badge, bar, card, command, empty } from "./parts.js";
import { title, unitOf } from "./resources.js";
import { address } from "./router.js";

/** Draws a card for each resource. */
export function windows({ subject, summary, claims }) {
  if (!summary.resources.length) {
    return card("Limits", { key: "limits" }, empty("Nothing is limited or counted by name yet. Make a group with a limit:",
      command("metergate group set free media_bytes=500MB/month --default")));
  }
  return h("div.columns", { key: "windows" }, summary.resources.map((it) => {
    const unit = it.unit ?? unitOf(it.resource);
    return card(capital(title(it.resource)), { key: it.resource, actions: h("code.faint", {}, it.resource) },
      h("div.windows", {}, it.windows.map((window) => one(window, unit))),
      claims[it.resource] ? why(subject, claims[it.resource], unit) : h("p.note", {}, `Decided by: ${source(it.source)}`));
  }));
}

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const STRICT = { soft: "soft: lets pass, and says so", observe: "only observed", hard: null };
const SHARED = { group: "shared by the group", server: "shared by all", subject: null };

function one(window, unit) {
  const { used, reserved, limit: most } = window;
  const part = share(used + reserved, most);
  const kind = window.mode === "observe" ? "fine" : standing(part);
  const words = [SHARED[window.per], STRICT[window.mode]].filter(Boolean);
  return h("div.window", { key: `${window.per}-${window.period}-${window.mode}` },
    h("div.line", {},
      h("h3", {}, capital(period(window.period))),
      part === null ? badge("no limit") : badge(kind === "over" ? `${percent(part)}: limit reached` : percent(part), kind)),
    h("p.figure", {}, quantity(used, unit, { focusable: true, name: "span" }), most === null ? " used" : [" of ", quantity(most, unit, { focusable: true, name: "span" })]),
    bar(used, reserved, most, part === null ? "no limit" : `${percent(part)} used ${period(window.period)}`),
    h("div.line.faint", {},
      h("span", {}, most === null ? "counted only" : `${amount(Math.max(0, window.remaining ?? most - used - reserved), unit)} left`,
        reserved > 0 && `, ${amount(reserved, unit)} set aside`),
      h("span", {}, window.resets_at ? ["resets ", time(window.resets_at)] : "never resets")),
    words.length > 0 && h("p.note", {}, capital(words.join("; "))));
}

const STANDING = { holds: ["in force", "fine"], shadowed: ["not asked", "plain"], ended: ["ended", "plain"], missing: ["group missing", "over"] };

/** Draws all that could limit it, the one in force first. */
function why(subject, { claims, resource }, unit) {
  const decides = claims.find((claim) => claim.standing === "holds");
  return h("details.why", { key: `why-${resource}` },
    h("summary", {}, "Decided by ", h("strong", {}, decides ? plain(decides.source) : plain("none"))),
    h("ol.claims", {}, claims.map((claim, index) => h("li", { key: `${index}-${claim.source}` },
      h("div.line", {}, h("span", {}, source(claim.source), claim.rule && [" ", h("code", {}, claim.rule)]), badge(...(STANDING[claim.standing] ?? [claim.standing]))),
      h("p.faint", {}, claim.limit === null ? "no limit" : limit(claim.limit, unit),
        claim.extended && ` (from ${claim.extended})`, claim.until && [", until ", claim.until.slice(0, 10)], claim.note && `: ${claim.note}`)))),
    h("p.note", {}, "The first that stands decides. In full:"), command(`metergate explain ${subject} --resource ${resource}`));
}

/** Returns a source in words alone. */
export const plain = (text) => h("span", {}, source(text)).textContent;

/** Returns a source in words, with a way to where it is changed. */
export function source(text) {
  const [kind, ...rest] = (text || "none").split(" ");
  const group = rest.join(" ");
  const way = h("a", { href: address("groups") }, group);
  return {
    exempt: "an exemption", override: "an override of its own", call: "the limit of the call", none: "nothing: it is unlimited",
    group: ["group ", way], rule: [h("a", { href: address("rules") }, "a rule"), ", group ", way], default: ["the default group ", way],
  }[kind] ?? text;
}
