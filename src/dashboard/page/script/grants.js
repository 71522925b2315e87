// Grants: gives one subject back exactly what it had.

import { change, get, name as inPath } from "./api.js";

/** Returns what `subject` has of its own. */
export const grantsOf = (subject) => get(`/v1/subjects/${inPath(subject)}`);

/** Makes what `subject` has of its own what it was in `former`: undo, whatever was done. */
export async function setBack(subject, former) {
  const now = await grantsOf(subject);
  const own = (it) => (it.by === "group" ? it.group : null);
  if (own(now) !== own(former) || now.until !== former.until) {
    await change("PUT", `/v1/subjects/${inPath(subject)}`, { group: own(former), until: own(former) ? former.until : null });
  }
  if (now.exempt !== former.exempt || now.exempt_until !== former.exempt_until) {
    await change("PUT", `/v1/subjects/${inPath(subject)}`, { exempt: former.exempt, until: former.exempt ? former.exempt_until : null });
  }
  await same(now.overrides, former.overrides, {
    remove: (resource) => change("DELETE", `/v1/overrides/${inPath(subject)}?resource=${inPath(resource)}`),
    put: (resource, { limit, until, note }) => change("PUT", `/v1/overrides/${inPath(subject)}`, { limits: { [resource]: limit }, until, note }),
  });
  const boosts = `/v1/boosts/${inPath(subject)}`;
  await same(now.boosts, former.boosts, {
    remove: (resource) => change("DELETE", `${boosts}?resource=${inPath(resource)}`),
    put: async (resource, all) => {
      if (now.boosts[resource]) await change("DELETE", `${boosts}?resource=${inPath(resource)}`);
      for (const { amount, until, note } of all) await change("POST", "/v1/boosts", { subject, amounts: { [resource]: amount }, until, note });
    },
  });
}

async function same(now = {}, former = {}, { remove, put }) {
  for (const resource of Object.keys(now)) if (!(resource in former)) await remove(resource);
  for (const [resource, it] of Object.entries(former)) {
    if (JSON.stringify(now[resource]) !== JSON.stringify(it)) await put(resource, it);
  }
}
