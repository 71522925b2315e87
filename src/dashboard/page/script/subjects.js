// Subjects: everyone the books know; found by how their names begin, page by page.

import { list, maybe } from "./api.js";
import { h } from "./dom.js";
import { time } from "./format.js";
import { badge, command, empty, head, pager, subjectLink } from "./parts.js";
import { address, move, subjectAt } from "./router.js";

/** To sort by activity, everyone is looked at: that is asked for less often. */
export const every = ({ sort }) => (sort === "last_activity" ? 30_000 : 10_000);
export const title = () => "Subjects";
const SHOWN = 50;

/** Reads one page. */
export async function load({ prefix, sort, group, cursor }, signal) {
  const [page, groups] = await Promise.all([
    list("/v1/subjects", { prefix, sort, group, cursor, limit: SHOWN }, { signal }),
    maybe("/v1/groups", { limit: 1000 }, { age: 30_000, signal }),
  ]);
  return { page, groups: groups?.items ?? [] };
}

/** Draws it. */
export function view({ page, groups }, parameters) {
  const { prefix = "", sort = "name", group = "", cursor } = parameters;
  const here = (changed) => address("subjects", { prefix, sort: sort === "name" ? "" : sort, group, ...changed });
  const to = (changed) => move(here(changed), { quietly: true });
  return [
    head("Subjects", "Everyone who used something, or has something of their own."),
    search({ prefix, sort, group, groups }, to),
    page.items.length ? table(page.items, sort, here) : nobody(parameters, page, here),
    pager({ first: !cursor, next: page.next_cursor, hrefFirst: here({}), hrefNext: here({ cursor: page.next_cursor }) }),
  ];
}

let typing = null;

function search({ prefix, sort, group, groups }, to) {
  const typed = (event) => {
    clearTimeout(typing);
    const value = event.target.value.trim();
    typing = setTimeout(() => to({ prefix: value, cursor: "" }), 200);
  };
  const open = (event) => {
    event.preventDefault();
    clearTimeout(typing);
    const value = event.target.closest("form").querySelector("#prefix").value.trim();
    if (value) move(subjectAt(value));
  };
  return h("form.filters", { key: "filters", role: "search", onsubmit: open },
    h("label", { for: "prefix" }, h("span", {}, "Name begins with"),
      h("input", { id: "prefix", type: "search", value: prefix, placeholder: "@alice", autocomplete: "off", spellcheck: "false", oninput: typed })),
    h("label", { for: "group" }, h("span", {}, "Group"),
      h("select", { id: "group", onchange: (event) => to({ group: event.target.value, cursor: "" }) },
        h("option", { value: "", selected: !group }, "all"),
        groups.map(({ name }) => h("option", { value: name, selected: name === group }, name)))),
    h("label", { for: "sort" }, h("span", {}, "Sorted by"),
      h("select", { id: "sort", onchange: (event) => to({ sort: event.target.value === "name" ? "" : event.target.value, cursor: "" }) },
        h("option", { value: "name", selected: sort === "name" }, "name"),
        h("option", { value: "last_activity", selected: sort === "last_activity" }, "last activity"))),
    h("button", { type: "submit" }, "Open this name"));
}

function table(items, sort, here) {
  const column = (key, text) => h("th", { scope: "col", "aria-sort": sort === key ? (key === "name" ? "ascending" : "descending") : undefined },
    h("a", { href: here({ sort: key === "name" ? "" : key, cursor: "" }) }, text));
  return h("table.list", { key: "table" },
    h("caption.hidden", {}, "Subjects"),
    h("thead", {}, h("tr", {}, column("name", "Name"), h("th", { scope: "col" }, "Group"), column("last_activity", "Last activity"))),
    h("tbody", {}, items.map((it) => h("tr", { key: it.subject },
      h("th", { scope: "row" }, subjectLink(it.subject)),
      h("td", { "data-label": "Group" }, it.group ? h("a.plain", { href: address("groups") }, badge(it.group)) : h("span.faint", {}, "none")),
      h("td", { "data-label": "Last activity" }, time(it.last_activity))))));
}

function nobody({ prefix, group, cursor }, page, here) {
  if (page.next_cursor) return empty("None of those looked through so far. Go on with the next page.");
  if (cursor) return empty("There is nobody behind this page any more.", h("p", {}, h("a", { href: here({}) }, "Back to the first page")));
  if (prefix || group) {
    return empty(`Nobody ${group ? `of group ${group} ` : ""}is known${prefix ? ` whose name begins with “${prefix}”` : ""}.`,
      h("p", {}, "Who has not uploaded yet can be given something all the same: type the whole name and press “Open this name”."));
  }
  return empty("Nobody is known yet. Whoever uploads through metergate appears here; to see it work, record something:",
    command("metergate use @alice:example.org media_bytes 5MB"));
}
