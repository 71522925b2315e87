// Dialog: asks for what an action needs, and stays open until it is done or not wanted.

import { h } from "./dom.js";

/**
 * Asks. `fields` are elements; `submit` is called with the form and may throw what is then shown.
 * `danger` marks what cannot be taken back.
 */
export function ask({ title, about, fields = [], action, danger = false, submit, changed }) {
  const wrong = h("p.wrong", { role: "alert" });
  const go = h("button.primary", { type: "submit", class: danger ? "danger" : undefined }, action);
  const close = () => dialog.close();

  async function done(event) {
    event.preventDefault();
    go.disabled = true;
    wrong.textContent = "";
    try {
      await submit(form);
      close();
    } catch (error) {
      wrong.textContent = /[.!?]$/.test(error.message) ? error.message : `${error.message}.`;
      wrong.scrollIntoView({ block: "nearest" });
    } finally {
      go.disabled = false;
    }
  }

  const form = h("form", { onsubmit: done, novalidate: true, oninput: changed && (() => changed(form)) },
    h("h2", { id: "dialog-title" }, title), about && h("p.about", {}, about),
    fields.length > 0 && h("div.fields", {}, fields), wrong,
    h("div.buttons", {}, h("button", { type: "button", onclick: close }, "Cancel"), go));
  const dialog = h("dialog", { "aria-labelledby": "dialog-title" }, form);
  const before = document.activeElement;
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before?.isConnected) before.focus({ preventScroll: true });
  });
  document.body.append(dialog);
  dialog.showModal();
  const first = form.querySelector("input:not([hidden]), select, textarea");
  (first ?? form.querySelector("button")).focus();
  if (changed) changed(form);
  return { form, close };
}

let number = 0;

/** Returns a field with its name above it and, where it helps, what to write below it. */
export function field(name, title, { help, type = "text", value = "", placeholder, choices, list } = {}) {
  const id = `field-${(number += 1)}`;
  const told = help ? { "aria-describedby": `${id}-help` } : {};
  const input = choices
    ? h("select", { id, name, ...told }, choices.map((it) => {
      const [key, text] = Array.isArray(it) ? it : [it, it];
      return h("option", { value: key, selected: key === value }, text);
    }))
    : h("input", { id, name, type, value, placeholder, list, autocomplete: "off", spellcheck: "false", ...told });
  return h("div.field", {}, h("label", { for: id }, title), input, help && h("p.help", { id: `${id}-help` }, help));
}

/** Returns a box to tick. */
export function tick(name, title, { help, checked = false } = {}) {
  const id = `field-${(number += 1)}`;
  const told = help ? { "aria-describedby": `${id}-help` } : {};
  return h("div.field.check", {}, h("input", { id, name, type: "checkbox", checked, ...told }),
    h("label", { for: id }, title), help && h("p.help", { id: `${id}-help` }, help));
}

/** Returns a field for the day until when something holds. */
export const until = (required) => field("until", required ? "Until" : "Until (for good, if empty)", { type: "date", help: "It ends as this day begins." });

/** Returns what was written into a field, without space around it. */
export const said = (form, name) => form.elements[name]?.value.trim() ?? "";

/** Asks whether to do what cannot be taken back. */
export const sure = (title, about, action, submit) => ask({ title, about, action, danger: true, submit });
