// App: the frame around the pages: who is signed in, which page is shown, and that it stays true.

import { Failure, LATE, forget, maybe, readiness, session } from "./api.js";
import { h, show } from "./dom.js";
import { relative, useZone } from "./format.js";
import { follow } from "./live.js";
import { tell } from "./notice.js";
import { place, watch } from "./router.js";
import { resources } from "./resources.js";
import { signIn } from "./signin.js";
import { applyTheme, themeSwitch } from "./theme.js";
import { navigation } from "./navigation.js";
import * as pages from "./pages.js";

const main = document.getElementById("main");
const trouble = document.getElementById("trouble");
const rail = document.getElementById("rail");
const foot = document.getElementById("foot");

let needed = false;
let fresh = null;
let current = null;

applyTheme();
document.getElementById("skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
begin();

async function begin(why) {
  let told;
  try {
    told = await session.read();
  } catch (error) {
    signedOut(false);
    show(main, h("section.gate", {}, h("h1", {}, "metergate does not answer"),
      h("p", {}, error.message === "metergate does not answer" ? "It may be starting, or have been stopped. This page tries again by itself." : error.message)));
    setTimeout(begin, 3000);
    return;
  }
  needed = told.needed;
  if (needed && !told.signed_in) {
    gate(why);
    return;
  }
  rail.hidden = false;
  document.body.classList.remove("gated");
  drawFoot();
  watch(go);
}

function gate(why) {
  forget();
  signedOut(true);
  signIn(main, why, () => begin());
}

function signedOut(clear) {
  current?.stop();
  current = null;
  watch(null);
  rail.hidden = true;
  document.body.classList.add("gated");
  if (clear) show(trouble);
}

/** Shows the page of the present address, and goes on showing it. */
function go(moved) {
  const { page, parameters } = place();
  const shown = pages.find(page);
  current?.stop();
  navigation(document.getElementById("pages"), shown.section);
  document.title = `${shown.title(parameters)} · Metergate`;
  let first = true;
  current = follow({
    every: shown.every(parameters) ?? 5000,
    load: async (signal) => {
      const policy = await maybe("/v1/policy", {}, { age: 30_000, signal });
      if (policy?.timezone) useZone(policy.timezone);
      await resources({ signal });
      return shown.load(parameters, signal);
    },
    done: (data) => {
      fresh = Date.now();
      show(trouble);
      main.removeAttribute("aria-busy");
      show(main, shown.view(data, parameters, again));
      if (first && moved) arrive();
      first = false;
      drawFoot();
    },
    failed: (error) => failed(error, first),
  });
  main.setAttribute("aria-busy", "true");
  if (moved) show(main, h("p.waiting", { role: "status" }, "Reading …"));
}

/** Reads at once: something was changed here. */
const again = () => current?.now();

addEventListener(LATE, () => current?.now());

/** Who came by a link hears and sees the top of the new page. */
function arrive() {
  scrollTo(0, 0);
  const heading = main.querySelector("h1");
  heading?.setAttribute("tabindex", "-1");
  heading?.focus({ preventScroll: true });
}

async function failed(error, first) {
  if (error instanceof Failure && error.kind === "signed_out") {
    if (needed) gate("You were signed out: the session ended, or metergate was started anew.");
    else begin();
    return;
  }
  main.removeAttribute("aria-busy");
  if (first) show(main, h("section.empty", {}, h("h1", {}, "Nothing could be read yet"), h("p", {}, "This page tries again by itself.")));
  const stale = fresh && !first ? ` What is shown was true ${relative(fresh)}.` : "";
  if (error.kind === "missing" && first) {
    show(main, h("section.empty", {}, h("h1", {}, "Nothing of that name"), h("p", {}, error.message)));
  } else if (error.kind === "store") {
    const ready = await readiness();
    const [what, says] = ready?.store === "out" ? ["The store is out. ", ready.says] : ["Not answered. ", error.message];
    show(trouble, h("p.trouble", {}, h("strong", {}, what), `${says}.${stale}`));
  } else if (error.kind === "gone") {
    show(trouble, h("p.trouble", {}, h("strong", {}, "metergate does not answer. "), `This page tries again by itself.${stale}`));
  } else {
    show(trouble, h("p.trouble", {}, h("strong", {}, "That did not work. "), `${error.message}.${stale}`));
  }
}

function drawFoot() {
  show(foot, themeSwitch(drawFoot), needed && h("button.quiet", { type: "button", onclick: leave }, "Sign out"));
}

async function leave() {
  try {
    await session.end();
    gate("You are signed out.");
  } catch (error) {
    tell(`Not signed out: ${error.message}`, { bad: true });
  }
}
