// Rules: capabilities (what one action draws on) and rules (who is in which group by name).

import { change, list, maybe, name as inPath } from "./api.js";
import { h } from "./dom.js";
import { ask, field, said, sure } from "./dialog.js";
import { filed, isFiled } from "./groups.js";
import { act, tell } from "./notice.js";
import { badge, card, command, empty, head } from "./parts.js";
import { address } from "./router.js";
import { names } from "./resources.js";

export const every = 10_000;
export const title = () => "Capabilities and rules";

const ALL = { limit: 1000 };

/** Reads them. */
export async function load(_, signal) {
  const [rules, capabilities, groups, policy] = await Promise.all([
    list("/v1/rules", ALL, { signal }), list("/v1/capabilities", ALL, { signal }), list("/v1/groups", ALL, { signal }),
    maybe("/v1/policy", {}, { signal }),
  ]);
  return { rules: rules.items, capabilities: capabilities.items, groups: groups.items, policy };
}

/** Draws them. */
export function view(data, _, again) {
  return [
    head("Capabilities and rules", "What an action draws on, and who is in which group by name."),
    ruleCard(data, again), capabilityCard(data, again),
  ];
}

function ruleCard({ rules, groups, policy }, again) {
  const add = h("button", { type: "button", onclick: () => addRule(rules, groups, again) }, "Add a rule");
  const own = rules.filter((it) => !isFiled(it));
  return card("Rules", { key: "rules", actions: add, about: "The first that matches a name counts. A subject that was put in a group by name is not asked about." },
    rules.length ? h("table.list", {}, h("caption.hidden", {}, "Rules, the first match counts"),
      h("thead", {}, h("tr", {}, ["Order", "Match", "Group", "From", ""].map((it) => h("th", { scope: "col" }, it || h("span.hidden", {}, "Actions"))))),
      h("tbody", {}, rules.map((rule, index) => h("tr", { key: rule.match },
        h("td", { "data-label": "Order" }, String(index + 1)),
        h("th", { scope: "row" }, h("code", {}, rule.match)),
        h("td", { "data-label": "Group" }, h("a", { href: address("groups") }, rule.group), !groups.some((it) => it.name === rule.group) && [" ", badge("declared nowhere", "over")]),
        h("td", { "data-label": "From" }, isFiled(rule) ? h("code.faint", {}, filed(policy)) : "store"),
        h("td.do", {}, isFiled(rule) ? h("span.faint", {}, "read-only") : ruleActions(rule, own, again))))))
      : empty("No rule: everyone is in the group they were put in, or in the default one. A rule puts many in a group at once:", command("metergate rule add '@bridge_*:example.org' --group bridges")));
}

function ruleActions(rule, own, again) {
  const index = own.indexOf(rule);
  const press = (text, label, onclick, off, more) => h("button.slim", { type: "button", "aria-label": `${label} ${rule.match}`, onclick, disabled: off, class: more }, text);
  return h("div.actions", {},
    press("↑", "Move up", () => moveRule(rule, -1, again), index === 0),
    press("↓", "Move down", () => moveRule(rule, 1, again), index === own.length - 1),
    press("Remove", "Remove", () => removeRule(rule, again), false, "danger"));
}

/** Reads the rules of the store as they are now, whatever is still shown. */
async function present() {
  const rules = await list("/v1/rules", ALL);
  return rules.items.filter((it) => !isFiled(it));
}

/** Puts each of these behind all others, one after the other: at no moment more than one of them is away. */
async function bringBehind(rules) {
  for (const { match, group } of rules) {
    const path = `/v1/rules/${inPath(match)}`;
    await change("DELETE", path).catch((error) => {
      if (error.kind !== "missing") throw error;
    });
    await change("PUT", path, { group });
  }
}

/** Gives the rules this order; those that stand right already stay untouched. */
async function order(wanted) {
  const now = await present();
  const first = wanted.findIndex((rule, index) => rule.match !== now[index]?.match);
  if (first >= 0) await bringBehind(wanted.slice(first));
}

async function moveRule(rule, by, again) {
  let former = null;
  await act(`${rule.match} is moved ${by < 0 ? "up" : "down"}.`, async () => {
    former = await present();
    const from = former.findIndex((it) => it.match === rule.match);
    if (from < 0 || !former[from + by]) throw new Error("it is not where it was: look again");
    const wanted = [...former];
    wanted.splice(from + by, 0, ...wanted.splice(from, 1));
    await order(wanted);
  }, { after: again, undo: () => order(former) });
}

async function removeRule(rule, again) {
  let former = null;
  await act(`The rule ${rule.match} is removed.`, async () => {
    former = await present();
    await change("DELETE", `/v1/rules/${inPath(rule.match)}`);
  }, { after: again, undo: () => order(former) });
}

function addRule(rules, groups, again) {
  if (!groups.length) {
    tell("There is no group yet: make one on the page Groups.");
    return;
  }
  ask({
    title: "Add a rule", action: "Add rule", about: "It comes last; move it up afterwards if another one matches first.",
    fields: [field("match", "Names that match", { placeholder: "@bridge_*:example.org", help: "* stands for any letters, ? for one." }),
      field("group", "are in group", { choices: groups.map((it) => it.name) })],
    submit: async (form) => {
      const match = said(form, "match");
      if (!match) throw new Error("Write which names match, such as @bridge_*:example.org.");
      if (rules.some((it) => it.match === match)) throw new Error("There is a rule for just these names: remove it first.");
      await change("PUT", `/v1/rules/${inPath(match)}`, { group: said(form, "group") });
      tell(`Names like ${match} are in group ${said(form, "group")}.`, {
        undo: () => act("The rule is gone again.", () => change("DELETE", `/v1/rules/${inPath(match)}`), { after: again }),
      });
      again();
    },
  });
}

function capabilityCard({ capabilities, policy }, again) {
  const add = h("button", { type: "button", onclick: () => editCapability(null, again) }, "Add a capability");
  return card("Capabilities", { key: "capabilities", actions: add, about: "Of each resource in bytes the size of the action is asked, of the others 1." },
    capabilities.length ? h("table.list", {}, h("caption.hidden", {}, "Capabilities"),
      h("thead", {}, h("tr", {}, ["Capability", "Draws on", "From", ""].map((it) => h("th", { scope: "col" }, it || h("span.hidden", {}, "Actions"))))),
      h("tbody", {}, capabilities.map((it) => h("tr", { key: it.name },
        h("th", { scope: "row" }, h("code", {}, it.name)),
        h("td", { "data-label": "Draws on" }, h("span", {}, it.resources.map((resource) => [h("code", {}, resource), " "]), it.on_outage && badge(`${it.on_outage} while the store is out`))),
        h("td", { "data-label": "From" }, isFiled(it) ? h("code.faint", {}, filed(policy)) : it.from.replace("_", " ")),
        h("td.do", {}, isFiled(it) ? h("span.faint", {}, "read-only") : h("div.actions", {},
          h("button.slim", { type: "button", onclick: () => editCapability(it, again) }, "Edit", h("span.hidden", {}, ` ${it.name}`)),
          it.from === "built_in" ? null : h("button.slim.danger", { type: "button", onclick: () => removeCapability(it, again) }, "Remove", h("span.hidden", {}, ` ${it.name}`))))))))
      : empty("Uploads draw on media_bytes, which is built in. To count files as well:", command("metergate cap set upload_media media_bytes uploads")));
}

const inWords = (it) => ({ resources: it.resources, ...(it.on_outage ? { on_outage: it.on_outage } : {}) });

function editCapability(it, again) {
  ask({
    title: it ? `Edit ${it.name}` : "Add a capability", action: it ? "Save" : "Add capability",
    fields: [it ? null : field("name", "Name", { placeholder: "upload_media" }),
      field("resources", "Draws on", { value: it?.resources.join(", ") ?? "", placeholder: "media_bytes, uploads", help: `Resources, with commas. Known are: ${names().join(", ") || "none yet"}. A new name is declared by this.` })].filter(Boolean),
    submit: async (form) => {
      const name = it?.name ?? said(form, "name");
      const resources = said(form, "resources").split(/[\s,]+/).filter(Boolean);
      if (!name) throw new Error("Write a name, such as upload_media.");
      if (!resources.length) throw new Error("Write at least one resource, such as media_bytes.");
      await change("PUT", `/v1/capabilities/${inPath(name)}`, { ...(it ? inWords(it) : {}), resources });
      tell(`${name} draws on ${resources.join(", ")}.`, {
        undo: () => act("It is as it was before.", () => (it && it.from !== "built_in" ? change("PUT", `/v1/capabilities/${inPath(name)}`, inWords(it)) : change("DELETE", `/v1/capabilities/${inPath(name)}`)), { after: again }),
      });
      again();
    },
  });
}

function removeCapability(it, again) {
  sure(`Remove ${it.name}?`, "Who asks for it by name is told that there is none.", "Remove capability", () =>
    act(`${it.name} is removed.`, () => change("DELETE", `/v1/capabilities/${inPath(it.name)}`),
      { after: again, undo: () => change("PUT", `/v1/capabilities/${inPath(it.name)}`, inWords(it)) }));
}
