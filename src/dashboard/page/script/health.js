// Health: do store, homeserver and webhooks answer?

import { h } from "./dom.js";
import { count, many, relative } from "./format.js";

/** Draws a line with a lamp and words for each. */
export function health({ ready, status, deliveries }) {
  const lamps = [store(ready, status), upstream(ready), journal(ready), webhooks(deliveries), process(status)];
  return h("ul.lamps", { key: "health", "aria-label": "Health" }, lamps.filter(Boolean).map(([kind, name, words]) =>
    h("li", { key: name, class: kind }, h("i", { "aria-hidden": "true" }), h("strong", {}, name), h("span", {}, words))));
}

function store(ready, status) {
  if (!ready) return ["bad", "Store", "not known"];
  const [kind] = (status?.store.name ?? "").split(":");
  return ready.store === "ok" ? ["good", "Store", `answers${kind ? ` (${kind})` : ""}`] : ["bad", "Store", "is out"];
}

function upstream(ready) {
  if (!ready?.upstream) return ready ? ["idle", "Homeserver", "none: quota API alone"] : null;
  return ready.upstream === "ok" ? ["good", "Homeserver", "answers"] : ["bad", "Homeserver", "does not answer"];
}

function journal(ready) {
  const waiting = ready?.journal?.waiting ?? 0;
  return waiting > 0 ? ["warn", "Journal", `${many(waiting, "charge")} to catch up`] : null;
}

function webhooks(deliveries) {
  if (!deliveries) return null;
  const targets = deliveries.items;
  if (!targets.length) return ["idle", "Webhooks", "none set up"];
  const waiting = Math.max(...targets.map((target) => target.waiting));
  if (!waiting) return ["good", "Webhooks", "all told"];
  const behind = targets.filter((target) => target.waiting > 0).map((target) => target.host);
  return ["warn", "Webhooks", `${many(waiting, "notice")} wait for ${behind.length === 1 ? behind[0] : `${count(behind.length)} targets`}`];
}

function process(status) {
  if (!status) return null;
  return ["idle", "metergate", `${status.version}, started ${relative(status.since)}`];
}
