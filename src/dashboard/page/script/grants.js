// Grants: gives one subject back exactly what it had.

import { change, get, name as inPath } from "./api.js";

/** Returns what `subject` has of its own. */
export const grantsOf = (subject) => get(`/v1/subjects/${inPath(subject)}`);

/** Makes what `subject` has of its own what it was in `former`: undo, whatever was done. */
export async function setBack(subject, former) {
  const now = await grantsOf(subject);
  const placed = (it) => JSON.stringify([it.assigned, it.exempt, it.exempt_until]);
  if (placed(now) !== placed(former)) await place(subject, former);
  await same(now.overrides, former.overrides, {
    remove: (resource) => change("DELETE", `/v1/overrides/${inPath(subject)}?resources=${inPath(resource)}`),
    put: (resource, { limit, until, note }) => change("POST", "/v1/overrides", { subject, limits: { [resource]: limit }, until, note }),
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

/** Gives it this group and this exemption, each until its own day. */
export async function place(subject, { assigned, exempt, exempt_until: until }) {
  await change("PUT", `/v1/subjects/${inPath(subject)}`, exempt ? { exempt, until } : {});
  if (assigned) await change("POST", "/v1/subjects", { subject, group: assigned.group, until: assigned.until });
}

async function same(now = {}, former = {}, { remove, put }) {
  for (const resource of Object.keys(now)) if (!(resource in former)) await remove(resource);
  for (const [resource, it] of Object.entries(former)) {
    if (JSON.stringify(now[resource]) !== JSON.stringify(it)) await put(resource, it);
  }
}
