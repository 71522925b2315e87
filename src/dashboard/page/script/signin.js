// Sign-in: the token once; after that the browser shows a cookie that no script can read.

import { session } from "./api.js";
import { h, show } from "./dom.js";

/** Asks for the token; `entered` is called once it was right. */
export function signIn(place, why, entered) {
  document.title = "Sign in · Metergate";
  const field = h("input", {
    id: "token", type: "password", autocomplete: "current-password", required: true, spellcheck: "false",
    "aria-describedby": "token-help token-wrong",
  });
  const wrong = h("p.wrong", { id: "token-wrong", role: "alert" });
  const button = h("button.primary", { type: "submit" }, "Sign in");

  async function submit(event) {
    event.preventDefault();
    button.disabled = true;
    try {
      await session.begin(field.value);
      entered();
    } catch (error) {
      wrong.textContent = error.status === 401 ? "This is not the token. It is [admin] token in metergate.toml, or what --token said." : `${error.message}.`;
      field.setAttribute("aria-invalid", "true");
      button.disabled = false;
      field.select();
      field.focus();
    }
  }

  show(place);
  place.append(h("section.gate", {},
    h("img", { src: "/style/mark.svg", alt: "", width: "44", height: "44" }),
    h("h1", {}, "Metergate"),
    why && h("p", { role: "status" }, why),
    h("form", { onsubmit: submit, novalidate: true },
      h("input", { type: "text", name: "username", autocomplete: "username", value: "metergate", hidden: true }),
      h("label", { for: "token" }, "Admin token"), field, wrong, button,
      h("p.help", { id: "token-help" }, "The one set as ", h("code", {}, "[admin] token"), ". It is sent once and not kept; a session ends by itself when it is not used for 12 hours."))));
  field.focus();
}
