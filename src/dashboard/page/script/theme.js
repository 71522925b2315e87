// Theme: light, dark, or as the system says.

import { h } from "./dom.js";

const KEY = "metergate-theme";
const THEMES = [["", "System"], ["light", "Light"], ["dark", "Dark"]];

const chosen = () => localStorage.getItem(KEY) ?? "";

/** Takes the choice into use. */
export function applyTheme() {
  const theme = chosen();
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

/** Returns what one chooses by. */
export function themeSwitch(changed) {
  const choose = (event) => {
    if (event.target.value) localStorage.setItem(KEY, event.target.value);
    else localStorage.removeItem(KEY);
    applyTheme();
    changed();
  };
  return h("label.theme", {}, h("span", {}, "Colours"),
    h("select", { id: "theme", onchange: choose },
      THEMES.map(([value, title]) => h("option", { value, selected: value === chosen() }, title))));
}
