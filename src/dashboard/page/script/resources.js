// Resources: what is counted here, and in which unit.

import { list } from "./api.js";

const AGE = 30_000;
let known = [];

/** Reads them, media first. */
export async function resources(options) {
  const answer = await list("/v1/resources", { limit: 1000 }, { ...options, age: AGE });
  const all = answer.items.map((it) => (typeof it === "string" ? { resource: it } : it));
  known = all.map(({ resource, name, ...rest }) => {
    const called = resource ?? name;
    return { ...rest, name: called, unit: rest.unit ?? guess(called) };
  });
  known.sort((a, b) => rank(a) - rank(b));
  return known;
}

const rank = (it) => (it.name === "media_bytes" ? 0 : it.unit === "bytes" ? 1 : 2);
const guess = (name) => (name.endsWith("bytes") ? "bytes" : "count");

/** Returns the unit of one, as last read. */
export const unitOf = (name) => known.find((it) => it.name === name)?.unit ?? guess(name);

/** Returns the names, as last read. */
export const names = () => known.map((it) => it.name);

/** Returns what a resource is called among people: `media bytes`. */
export const title = (name) => (name === "media_bytes" ? "media" : name.replace(/_bytes$/, "").replaceAll("_", " "));
