// Groups: who shares which limits.

import { change, get, list, maybe, name as inPath } from "./api.js";
import { h } from "./dom.js";
import { edit } from "./group_form.js";
import { amount, limit, many } from "./format.js";
import { sure } from "./dialog.js";
import { act, tell } from "./notice.js";
import { badge, card, command, empty, head, subjectLink } from "./parts.js";
import { address } from "./router.js";
import { unitOf } from "./resources.js";

export const every = 10_000;
export const title = () => "Groups";

/** Of more groups than these the members are not asked for. */
const ASKED = 12;
const MEMBERS = 5;

/** Reads them, and a few members of each. */
export async function load(_, signal) {
  const [groups, policy] = await Promise.all([list("/v1/groups", { limit: 1000 }, { signal }), maybe("/v1/policy", {}, { signal })]);
  const members = await Promise.all(groups.items.slice(0, ASKED).map((it) =>
    maybe("/v1/subjects", { group: it.name, limit: MEMBERS }, { age: 20_000, signal })));
  return { groups: groups.items, policy, members: new Map(members.map((it, index) => [groups.items[index].name, it])) };
}

/** Draws them. */
export function view({ groups, policy, members }, _, again) {
  const add = h("button.primary", { type: "button", key: "add", onclick: () => edit(null, groups, again) }, "Add a group");
  return [
    head("Groups", "A subject is in one group: the one it was put in, or else that of the first rule that matches, or else the default.", add),
    groups.length
      ? h("div.columns", { key: "groups" }, groups.map((group) => one(group, groups, policy, members.get(group.name), again)))
      : empty("There is no group, so nothing is refused. Make the one for everyone, here or so:", command("metergate group set free media_bytes=500MB/month --default")),
  ];
}

/** Returns true if the configuration file says it, and nothing else can. */
export const isFiled = (it) => it.from === "file";

/** Returns where a thing of the file layer is said. */
export const filed = (policy) => policy?.origin ?? "the configuration file";

/** Returns limits, size and the rest of a group apart. */
export function terms(group) {
  const { max_upload_bytes: size, extends: base, timezone, ...limits } = { ...group.limits };
  return { limits, size: group.max_upload_bytes ?? size, base: group.extends ?? base, timezone: group.timezone ?? timezone };
}

function one(group, groups, policy, members, again) {
  const { limits, size, base, timezone } = terms(group);
  const lines = Object.entries(limits).map(([resource, it]) => [resource, limit(it, unitOf(resource))]);
  if (size !== undefined && size !== null) lines.push(["one upload", `at most ${typeof size === "number" ? amount(size) : size}`]);
  if (base) lines.push(["all else", `as in ${base}`]);
  if (timezone) lines.push(["days of", timezone]);
  const marks = [group.default && badge("default", "fine"), isFiled(group) && badge("file")];
  return card(group.name, { key: group.name, id: `group-${group.name}`, actions: marks },
    h("dl.terms", {}, lines.length ? lines.map(([what, says]) => h("div", { key: what }, h("dt", {}, what), h("dd", {}, says))) : h("div", {}, h("dt", {}, "No limits"), h("dd", {}, "all is counted"))),
    people(group, members),
    isFiled(group)
      ? h("p.note", {}, "Declared in ", h("code", {}, filed(policy)), ": change it there, and reload.")
      : h("div.actions.foot", {},
        h("button.slim", { type: "button", onclick: () => edit(group, groups, again) }, "Edit", h("span.hidden", {}, ` ${group.name}`)),
        h("button.slim.danger", { type: "button", onclick: () => remove(group, again) }, "Remove", h("span.hidden", {}, ` ${group.name}`))));
}

function people(group, members) {
  const all = h("a", { href: address("subjects", { group: group.name }) }, "See all");
  if (!members) return h("p.faint.members", {}, all);
  if (!members.items.length && !members.next_cursor) return h("p.faint.members", {}, group.default ? "Nobody yet." : "Nobody is in it. Put somebody in it on the page of a subject, or by a rule.");
  return h("div.members", {}, h("p.faint", {}, members.next_cursor ? "Some of its members" : many(members.items.length, "member"), " · ", all),
    h("ul", {}, members.items.map((it) => h("li", { key: it.subject }, subjectLink(it.subject)))));
}

function remove(group, again) {
  const path = `/v1/groups/${inPath(group.name)}`;
  sure(`Remove group ${group.name}?`, "Only a group can be removed that is not the default, and that no subject, no rule and no other group needs.",
    "Remove group", async () => {
      const former = await get(path);
      await change("DELETE", path);
      tell(`Group ${group.name} is removed.`, { undo: () => act("It is there again.", () => change("PUT", path, written(former)), { after: again }) });
      again();
    });
}

/** Returns a group as it is written back. */
export function written(group) {
  const { limits, size, base, timezone } = terms(group);
  const rest = { max_upload_bytes: size, extends: base, timezone };
  const said = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined && value !== null));
  return { limits: { ...limits, ...said }, ...(group.default ? { default: true } : {}) };
}
