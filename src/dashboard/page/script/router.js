// Router: which page the address names: `#/subjects?prefix=@a`, `#/subjects/@alice:example.org`.

let listener = null;
let last = null;
addEventListener("hashchange", () => {
  const { page } = place();
  const moved = page !== last;
  last = page;
  listener?.(moved);
});

/** Tells `heard` of the present place and each further one: whether it is another page. */
export function watch(heard) {
  listener = heard;
  last = place().page;
  heard?.(true);
}

/** Returns the page named, and what it is told. */
export function place() {
  const [path, words] = location.hash.replace(/^#\/?/, "").split("?");
  const parameters = Object.fromEntries(new URLSearchParams(words ?? ""));
  return { page: path.split("/").map(decode).join("/"), parameters };
}

function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Returns the address of a page. */
export function address(page, parameters = {}) {
  const said = Object.entries(parameters).filter(([, value]) => value !== undefined && value !== "" && value !== null);
  const words = new URLSearchParams(said).toString();
  return `#/${page}${words ? `?${words}` : ""}`;
}

/** Returns the address of one subject. */
export const subjectAt = (name, parameters) => address(`subjects/${encodeURIComponent(name)}`, parameters);

/** Goes to it; `quietly` leaves no trace in the history, as for each letter of a search. */
export function move(to, { quietly = false } = {}) {
  if (!quietly) {
    location.hash = to;
    return;
  }
  history.replaceState(null, "", to);
  dispatchEvent(new HashChangeEvent("hashchange"));
}
