// Actions: what can be done for one subject; each can be undone, or asks first.

import { change } from "./api.js";
import { h } from "./dom.js";
import { ask, field, said, until } from "./dialog.js";
import { grantsOf, setBack } from "./grants.js";
import { act, tell } from "./notice.js";

/** Returns the buttons. */
export function actions(data, again) {
  const { subject } = data;
  /** Does `work`, then says `done` and offers to give back what was there before. */
  const undoable = async (done, work) => {
    const former = await grantsOf(subject);
    await work();
    tell(done, { undo: () => act("It is as it was before.", () => setBack(subject, former), { after: again }) });
    again();
  };
  const button = (text, press, more) => h("button", { type: "button", key: text, class: more, onclick: () => press(data, undoable, again) }, text);
  return [
    button("Put in group", group), button("Override", override), button("Boost", boost),
    data.summary.exempt ? null : button("Exempt", exempt), button("Reset", reset, "danger"),
  ].filter(Boolean);
}

const at = (form) => said(form, "until") || undefined;

function group({ subject, summary, groups }, undoable) {
  if (!groups.length) {
    tell("There is no group yet: make one on the page Groups.");
    return;
  }
  ask({
    title: `Put ${subject} in a group`, action: "Put in group",
    fields: [field("group", "Group", { choices: groups.map((it) => it.name), value: summary.group ?? "" }), until(false)],
    submit: (form) => undoable(`${subject} is in group ${said(form, "group")}.`,
      () => change("POST", "/v1/subjects", { subject, group: said(form, "group"), until: at(form) })),
  });
}

const resources = (summary) => summary.resources.map((it) => it.resource);

function which(summary) {
  const all = resources(summary);
  return field("resource", "Resource", all.length ? { choices: all, value: all.includes("media_bytes") ? "media_bytes" : all[0] } : { value: "media_bytes" });
}

function override({ subject, summary }, undoable) {
  ask({
    title: `Give ${subject} a limit of its own`, about: "It holds in place of its group's.", action: "Set override",
    fields: [which(summary), field("limit", "Limit", { placeholder: "1GB/month", help: "An amount per period, such as 1GB/month or 500MB/month, 50MB/day; or unlimited." }),
      until(false), field("note", "Note (optional)", { help: "Why, for whoever looks at it later." })],
    submit: (form) => {
      const [resource, limit] = [said(form, "resource"), needed(form, "limit", "Write a limit, such as 1GB/month.")];
      const note = said(form, "note") || undefined;
      return undoable(`${subject} has its own limit of ${resource}: ${limit}.`,
        () => change("POST", "/v1/overrides", { subject, limits: { [resource]: parts(limit) }, until: at(form), note }));
    },
  });
}

const parts = (limit) => (limit.includes(",") ? limit.split(",").map((it) => it.trim()) : limit);

function boost({ subject, summary }, undoable) {
  ask({
    title: `Give ${subject} more for a while`, about: "It is added to each limit of the resource until the date.", action: "Add boost",
    fields: [which(summary), field("amount", "How much more", { placeholder: "200MB", help: "Such as 200MB or 1.5 GB." }),
      until(true), field("note", "Note (optional)")],
    submit: (form) => {
      const [resource, amount] = [said(form, "resource"), needed(form, "amount", "Write how much more, such as 200MB.")];
      const end = needed(form, "until", "Choose the day on which it ends.");
      const note = said(form, "note") || undefined;
      return undoable(`${subject} has ${amount} of ${resource} more until ${end}.`,
        () => change("POST", "/v1/boosts", { subject, amounts: { [resource]: amount }, until: end, note }));
    },
  });
}

function exempt({ subject }, undoable) {
  ask({
    title: `Exempt ${subject}`, about: "No limit holds for it any more; what it uses is counted all the same.", action: "Exempt",
    fields: [until(false)],
    submit: (form) => undoable(`${subject} is exempt from every limit.`,
      () => change("POST", "/v1/subjects", { subject, exempt: true, until: at(form) })),
  });
}

function reset({ subject, summary }, _, again) {
  const all = resources(summary);
  ask({
    title: `Reset what ${subject} used?`,
    about: "Its counts begin at zero again in the windows of now. The ledger keeps what was, but this cannot be undone.",
    action: "Reset", danger: true,
    fields: [field("resource", "Resource", { choices: [...all, ["", "all of them"]], value: all[0] ?? "" })],
    submit: async (form) => {
      const resource = said(form, "resource") || undefined;
      await change("POST", "/v1/reset", { subject, resource });
      tell(`${resource ?? "Everything"} of ${subject} begins at zero again.`);
      again();
    },
  });
}

/** Returns what was written, or says what to write. */
function needed(form, name, otherwise) {
  const value = said(form, name);
  if (!value) {
    form.elements[name].focus();
    throw new Error(otherwise);
  }
  return value;
}
