// Notice: says what was done, and offers to undo it.

import { h } from "./dom.js";

const place = document.getElementById("notices");
const STAYS = 12_000;

/** Says `text`; `undo` is called if somebody wants it back. */
export function tell(text, { undo, bad = false } = {}) {
  const notice = h("div.notice", { class: bad ? "bad" : undefined }, h("span", {}, text));
  let timer = null;
  const gone = () => {
    clearTimeout(timer);
    notice.remove();
  };
  const linger = () => {
    clearTimeout(timer);
    timer = setTimeout(gone, STAYS);
  };
  if (undo) {
    // Only the last can be undone: what was before may no longer fit what came after.
    for (const former of place.querySelectorAll(".undo")) former.remove();
    notice.append(h("button.undo", { type: "button", onclick: () => {
      gone();
      undo();
    } }, "Undo"));
  }
  notice.append(h("button.close", { type: "button", "aria-label": "Dismiss", onclick: gone }, "×"));
  notice.addEventListener("focusin", () => clearTimeout(timer));
  notice.addEventListener("mouseenter", () => clearTimeout(timer));
  notice.addEventListener("focusout", linger);
  notice.addEventListener("mouseleave", linger);
  while (place.children.length >= 3) place.firstElementChild.remove();
  place.append(notice);
  linger();
}

/** Does something, says that it is done, and offers to undo it; says so if it cannot be. */
export async function act(text, work, { undo, after } = {}) {
  try {
    await work();
    tell(text, { undo: undo && (() => act("It is as it was before.", undo, { after })) });
  } catch (error) {
    tell(`Not done: ${error.message}.`, { bad: true });
  }
  after?.();
}
