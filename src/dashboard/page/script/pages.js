// Pages: all there are, by the names in their addresses.

import * as events from "./events.js";
import * as groups from "./groups.js";
import * as overview from "./overview.js";
import * as rules from "./rules.js";
import * as subject from "./subject.js";
import * as subjects from "./subjects.js";

const PAGES = { "": overview, subjects, groups, rules, events };

/** Returns what shows the page called `path`; the overview for one that is not. */
export function find(path) {
  const [section, ...rest] = path.split("/");
  if (section === "subjects" && rest.length && rest.join("/")) return named(subject, "subjects", rest.join("/"));
  const page = PAGES[section] ?? overview;
  return named(page, page === overview ? "" : section);
}

function named(page, section, name) {
  return {
    section,
    every: (parameters) => (typeof page.every === "function" ? page.every(parameters) : page.every),
    title: (parameters) => page.title({ ...parameters, name }),
    load: (parameters, signal) => page.load({ ...parameters, name }, signal),
    view: (data, parameters, again) => page.view(data, { ...parameters, name }, again),
  };
}
