// Parts: what several pages are made of.

import { h } from "./dom.js";
import { percent, quantity, share, standing } from "./format.js";
import { subjectAt } from "./router.js";

/** Returns the head of a page. */
export function head(title, about, ...actions) {
  return h("div.head", { key: "head" },
    h("div", {}, h("h1", {}, title), about && h("p.about", {}, about)),
    actions.length ? h("div.actions", {}, actions) : null);
}

/** Returns a part of a page under a heading. */
export function card(title, { key, about, actions, wide, id } = {}, ...content) {
  const heading = id ?? `card-${key ?? title.toLowerCase().replaceAll(/\W+/g, "-")}`;
  return h("section.card", { key: key ?? title, "aria-labelledby": heading, class: wide ? "wide" : undefined },
    h("div.card-head", {}, h("h2", { id: heading }, title), actions && h("div.actions", {}, actions)),
    about && h("p.about", {}, about), content);
}

/** Returns what stands where nothing is: why, and what to do next. */
export function empty(text, ...next) {
  return h("div.empty", {}, h("p", {}, text), next);
}

/** Returns what stands where something is still being read. */
const reading = () => h("p.reading.faint", { role: "status" }, "Looking …");

/** Returns what stands where something could not be read in time, or nothing of the kind. */
export const pending = (answer, line) => {
  if (answer === null) return reading();
  return answer?.failed ? empty(`Not known yet: ${answer.failed}. It is asked for again; so can you:`, command(line)) : null;
};

/** Returns a line to type. */
export const command = (line) => h("p.command", {}, h("span.hidden", {}, "On the command line: "), h("code", {}, line));

/** Returns a link to a subject. */
export const subjectLink = (name) => h("a.subject", { href: subjectAt(name) }, name);

/** Returns a word with a meaning: `over`, `near`, `fine`, `plain`. */
export const badge = (text, kind = "plain") => h("span.badge", { class: kind }, text);

/** Returns how much of a limit is used, as a bar. */
export function bar(used, reserved, limit, label) {
  const part = share(used + reserved, limit);
  const width = (it) => `${Math.min(100, Math.max(0, it * 100)).toFixed(2)}%`;
  const settled = share(used, limit) ?? 0;
  return h("div.bar", {
    class: standing(part), role: "img", "aria-label": label ?? (part === null ? "no limit" : `${percent(part)} used`),
  },
  h("i", { style: { width: part === null ? "0%" : width(settled) } }),
  reserved > 0 && part !== null && h("i.held", { style: { width: width(Math.min(part, 1) - Math.min(settled, 1)) } }));
}

/** Returns `48 MB of 500 MB`. */
export function usedOf(used, limit, unit) {
  if (limit === null || limit === undefined) return h("span.used-of", {}, quantity(used, unit));
  return h("span.used-of", {}, quantity(used, unit), h("span.of", {}, " of "), quantity(limit, unit));
}

/** Returns ways to the pages of a list before and behind. */
export function pager({ first, next, earlier, hrefFirst, hrefNext }) {
  if (first && !next) return null;
  return h("nav.pager", { "aria-label": earlier ?? "Pages of this list" },
    first ? h("span.button.off", { "aria-disabled": "true" }, "First page") : h("a.button", { href: hrefFirst }, "First page"),
    next ? h("a.button", { href: hrefNext, rel: "next" }, "Next page") : h("span.button.off", { "aria-disabled": "true" }, "Next page"));
}
