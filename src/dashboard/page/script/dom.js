// Dom: builds what a page shows, and changes what is shown into it, in place.
//
// A page is drawn anew each time something may have changed. What did not change stays the same
// element, so that focus, scrolling, open details and half-written text stay where they are.

const SVG = "http://www.w3.org/2000/svg";
/** Attributes that begin so are set by whoever looks, and stay. */
const OWN = "data-own-";
const handlers = new WeakMap();

/** Returns an element: `h("a.name", {href, onclick}, "text", child, [more])`. */
export function h(what, properties, ...children) {
  return build((tag) => document.createElement(tag), what, properties, children);
}

/** Returns an element of a drawing. */
export function s(what, properties, ...children) {
  return build((tag) => document.createElementNS(SVG, tag), what, properties, children);
}

function build(make, what, properties, children) {
  const [tag, ...classes] = what.split(".");
  const element = make(tag);
  if (classes.length) element.setAttribute("class", classes.join(" "));
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) listen(element, name.slice(2), value);
    else if (name === "key") element.dataset.key = value;
    else if (name === "style") for (const [key, it] of Object.entries(value)) element.style.setProperty(key, it);
    else if (name === "class") element.setAttribute("class", [...classes, value].join(" "));
    else element.setAttribute(name, value === true ? "" : value);
  }
  append(element, children);
  return element;
}

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    element.append(child);
  }
}

/** One listener per kind of event, which asks what is to be done now. */
function listen(element, kind, handler) {
  if (!handlers.has(element)) handlers.set(element, {});
  const all = handlers.get(element);
  if (!(kind in all)) element.addEventListener(kind, (event) => handlers.get(element)[kind]?.(event));
  all[kind] = handler;
}

/** Makes the children of `place` those given. */
export function show(place, ...children) {
  const next = document.createElement(place.nodeName);
  append(next, children);
  const focused = document.activeElement;
  morphChildren(place, next);
  if (focused !== document.activeElement && focused?.isConnected) focused.focus({ preventScroll: true });
}

function morph(old, next) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== next.data) old.data = next.data;
    return;
  }
  for (const { name } of [...old.attributes]) {
    if (!next.hasAttribute(name) && name !== "open" && !name.startsWith(OWN)) old.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (old.getAttribute(name) === value) continue;
    // The policy of this page allows no style that is written as an attribute.
    if (name === "style") old.style.cssText = next.style.cssText;
    else old.setAttribute(name, value);
  }
  const now = handlers.get(next);
  for (const kind of Object.keys(handlers.get(old) ?? {})) handlers.get(old)[kind] = now?.[kind];
  for (const [kind, handler] of Object.entries(now ?? {})) listen(old, kind, handler);
  if (old.dataset.ownHeld !== undefined) return;
  morphChildren(old, next);
  const written = "value" in old && ["INPUT", "SELECT", "TEXTAREA"].includes(old.nodeName);
  if (written && old !== document.activeElement && old.value !== next.value) old.value = next.value;
}

function morphChildren(old, next) {
  const keyed = new Map();
  for (const child of old.children) if (child.dataset.key) keyed.set(child.dataset.key, child);
  let place = old.firstChild;
  for (const wanted of [...next.childNodes]) {
    const key = wanted.dataset?.key;
    let found = null;
    if (key) found = keyed.get(key) ?? null;
    else for (let it = place; it && !found; it = it.nextSibling) {
      if (it.nodeName === wanted.nodeName && !it.dataset?.key) found = it;
    }
    if (found && found.nodeName === wanted.nodeName) {
      if (found !== place) old.insertBefore(found, place);
      morph(found, wanted);
      place = found.nextSibling;
    } else {
      old.insertBefore(wanted, place);
    }
  }
  while (place) {
    const gone = place;
    place = place.nextSibling;
    gone.remove();
  }
}
