// Group form: adds or edits a group, and shows before it is saved whom that would affect.

import { change, name as inPath } from "./api.js";
import { h, show } from "./dom.js";
import { ask, field, said, tick } from "./dialog.js";
import { limit, many, written as unitsOf } from "./format.js";
import { tell, act } from "./notice.js";
import { subjectLink, usedOf } from "./parts.js";
import { names, unitOf } from "./resources.js";
import { isFiled, terms, written } from "./groups.js";

/** So many of those affected are named. */
const NAMED = 20;

/** Asks for the terms of `group`, or of a new one. */
export function edit(group, groups, again) {
  const { limits, size, base, timezone } = group ? terms(group) : { limits: {} };
  const rows = h("div.fields");
  const given = Object.entries(limits).map(([resource, it]) => [resource, limit(it, unitOf(resource))]);
  for (const [resource, says] of given.length ? given : [["media_bytes", ""]]) rows.append(row(resource, says, rows));
  const others = groups.map((it) => it.name).filter((name) => name !== group?.name);
  const affected = h("div.affected", { "aria-live": "polite", role: "status" });
  let timer = null;

  ask({
    title: group ? `Edit group ${group.name}` : "Add a group", action: group ? "Save" : "Add group",
    fields: [
      group ? null : field("name", "Name", { placeholder: "free", help: "Small letters, digits and _, such as free or patron." }),
      h("fieldset.field", {}, h("legend", {}, "Limits"), rows,
        h("p.help", {}, "Per resource: 500MB/month, or 50GB/month, 2GB/day soft, or unlimited. Several hold at once."),
        h("div", {}, h("button.slim", { type: "button", onclick: (event) => {
          const added = row("", "", rows);
          rows.append(added);
          added.querySelector("input").focus();
          event.preventDefault();
        } }, "Add a resource")),
        h("datalist", { id: "resource-names" }, names().map((it) => h("option", { value: it })))),
      field("size", "Largest single upload (any, if empty)", { value: typeof size === "number" ? unitsOf(size, "bytes") : size ?? "", placeholder: "20MB" }),
      field("base", "Extends", { choices: [["", "no other group"], ...others], value: base ?? "", help: "Whose limits hold for what this group does not name." }),
      group?.default ? null : tick("default", "The group of everyone who is in no other", { checked: false }),
      affected,
    ].filter(Boolean),
    changed: (form) => {
      clearTimeout(timer);
      timer = setTimeout(() => preview(form, group, timezone, affected), 350);
    },
    submit: async (form) => {
      const name = group?.name ?? said(form, "name");
      if (!name) throw new Error("Write a name for the group.");
      const former = group && written(group);
      await change("PUT", `/v1/groups/${inPath(name)}`, body(form, timezone, group));
      const done = group ? `Group ${name} is changed.` : `Group ${name} is added.`;
      tell(done, { undo: () => act("It is as it was before.", () => setBack(name, former, groups), { after: again }) });
      again();
    },
  });
}

/** Makes the group what it was, or none again; the default is then the former one. */
async function setBack(name, former, groups) {
  const path = (of) => `/v1/groups/${inPath(of)}`;
  await change("PUT", path(name), { limits: {}, ...former, default: former?.default ?? false });
  const first = groups.find((it) => it.default && it.name !== name);
  if (first && !isFiled(first)) await change("PUT", path(first.name), written(first));
  if (!former) await change("DELETE", path(name));
}

function row(resource, says, rows) {
  const remove = (event) => {
    const form = event.currentTarget.form;
    event.currentTarget.closest(".pair").remove();
    (rows.querySelector("input") ?? form.querySelector("button")).focus();
    form.dispatchEvent(new Event("input"));
  };
  return h("div.pair", {},
    h("input", { name: "resource", value: resource, list: "resource-names", "aria-label": "Resource", placeholder: "media_bytes", autocomplete: "off", spellcheck: "false" }),
    h("input", { name: "limit", value: says, "aria-label": "Limit", placeholder: "500MB/month", autocomplete: "off", spellcheck: "false" }),
    h("button.slim.quiet", { type: "button", "aria-label": "Remove this limit", onclick: remove }, "×"));
}

function body(form, timezone, group) {
  const limits = {};
  for (const pair of form.querySelectorAll(".pair")) {
    const [resource, says] = [...pair.querySelectorAll("input")].map((it) => it.value.trim());
    if (!resource && !says) continue;
    if (!resource) throw new Error(`Write which resource is limited to ${says}.`);
    if (!says) throw new Error(`Write the limit of ${resource}, such as 500MB/month.`);
    if (resource in limits) throw new Error(`${resource} stands there twice: put both limits into one line, with a comma between them.`);
    limits[resource] = says.includes(",") ? says.split(",").map((it) => it.trim()) : says;
  }
  const [size, base] = [said(form, "size"), said(form, "base")];
  if (size) limits.max_upload_bytes = size;
  if (base) limits.extends = base;
  if (timezone) limits.timezone = timezone;
  return { limits, ...(group?.default || form.elements.default?.checked ? { default: true } : {}) };
}

/** Says who would be affected, as far as it can be known before it is saved. */
async function preview(form, group, timezone, place) {
  if (!form.isConnected) return;
  const name = group?.name ?? said(form, "name");
  const say = (...words) => show(place, h("strong", {}, "Whom this affects"), words);
  if (!name) {
    say(h("p", {}, "Nobody until somebody is put in it, a rule names it, or it is the default."));
    return;
  }
  try {
    const { limits } = body(form, timezone, group);
    const told = await change("POST", `/v1/groups/${inPath(name)}/preview`, { limits });
    const { members, over, would_be_over: past } = told;
    say(h("p", {}, `${many(members, "member")}, from the next decision on.`),
      past
        ? [h("p", {}, `${many(past, "limit")} would be reached at once${past > NAMED ? ", first of all those of" : ", of"}:`),
          h("ul", {}, over.slice(0, NAMED).map((it) => h("li", { key: `${it.subject} ${it.resource}` }, subjectLink(it.subject), ` ${it.resource}: `,
            usedOf(it.used, it.limit, unitOf(it.resource)))))]
        : h("p", {}, "None of them would be at the limit."));
  } catch (error) {
    if (error.kind === "missing") say(h("p", {}, "Nobody yet: it is new."));
    else say(h("p.wrong", {}, error.message));
  }
}
