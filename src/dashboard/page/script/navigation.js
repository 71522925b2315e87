// Navigation: the ways from page to page.

import { h, s, show } from "./dom.js";

const WAYS = [
  ["", "Overview", "M3 12h4l3-8 4 16 3-8h4"],
  ["subjects", "Subjects", "M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8m-7 10v-1a7 7 0 0 1 14 0v1m-1-17.6a4 4 0 0 1 0 7.2M22 21v-1a7 7 0 0 0-4-6.3"],
  ["groups", "Groups", "M12 3 2 8l10 5 10-5zM2 12.5l10 5 10-5M2 17l10 5 10-5"],
  ["rules", "Rules", "M4 6h10M4 12h16M4 18h7m7-15v6m-3-3h6"],
  ["events", "Events", "M12 7v5l3 3m6-3a9 9 0 1 1-18 0 9 9 0 0 1 18 0"],
];

/** Draws them; the one at `section` is where we are. */
export function navigation(where, section) {
  show(where, h("ul", {}, WAYS.map(([page, title, path]) => h("li", { key: title },
    h("a", { href: `#/${page}`, "aria-current": page === section ? "page" : undefined },
      s("svg", { viewBox: "0 0 24 24", width: "20", height: "20", "aria-hidden": "true" }, s("path", { d: path })),
      h("span", {}, title))))));
}
