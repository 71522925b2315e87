// Chart: amounts over time as bars, with the same in a table for whoever does not see it.

import { h, s } from "./dom.js";

const HEIGHT = 208;
const AXIS = 58;
const TOP = 14;
const BOTTOM = 26;
const FLOOR = HEIGHT - BOTTOM;

/**
 * Returns a figure of `points` [{start, value, more}].
 * `tell` writes a value, `when` a moment, `tick` a moment on the axis, `sum` is said above it while no bar is looked at.
 */
export function chart({ key, title, points, tell, when, tick, sum, kind = "use", note }) {
  const most = Math.max(0, ...points.map((point) => point.value));
  const steps = scale(most);
  const peak = steps.at(-1) || 1;
  const height = (value) => (Math.max(0, value) / peak) * (FLOOR - TOP);
  const slot = 100 / Math.max(1, points.length);
  const readout = h("output.readout", { "aria-live": "polite", "data-key": `${key}-readout` }, sum);
  const ticks = labels(points.length);

  const axis = s("svg.axis", { height: HEIGHT, width: AXIS, "aria-hidden": "true", focusable: "false" },
    steps.map((step) => s("text.tick", { x: AXIS - 8, y: FLOOR - height(step) + 4, "text-anchor": "end" }, tell(step))));
  const drawing = s("svg", { height: HEIGHT, width: "100%", "aria-hidden": "true", focusable: "false" },
    steps.map((step) => s("line.grid", { x1: 0, x2: "100%", y1: FLOOR - height(step), y2: FLOOR - height(step) })),
    points.map((point, index) => s("g.slot", { "data-index": index },
      s("rect.reach", { x: `${index * slot}%`, width: `${slot}%`, y: 0, height: FLOOR }),
      s("rect.mark", {
        x: `${index * slot + slot * 0.14}%`, width: `${slot * 0.72}%`, rx: points.length > 60 ? 1 : 2,
        y: FLOOR - Math.max(point.value > 0 ? 2 : 0, height(point.value)),
        height: Math.max(point.value > 0 ? 2 : 0, height(point.value)),
      }))),
    ticks.map(({ index, minor }) => s("text.tick", {
      x: `${(index + 0.5) * slot}%`, y: HEIGHT - 7, class: minor ? "minor" : undefined, "text-anchor": anchor(index, points.length),
    }, tick(points[index].start))));

  const say = (area, index) => {
    const out = area.closest("figure").querySelector("output");
    const marks = area.querySelectorAll(".slot");
    for (const mark of marks) mark.toggleAttribute("data-own-seen", Number(mark.dataset.index) === index);
    if (index === null) {
      delete out.dataset.ownHeld;
      out.textContent = sum;
      delete area.dataset.ownIndex;
      return;
    }
    out.dataset.ownHeld = "";
    area.dataset.ownIndex = index;
    const point = points[index];
    out.textContent = `${when(point.start)}: ${point.more ?? tell(point.value)}`;
  };
  const over = (event) => {
    const slot = event.target.closest(".slot");
    if (slot) say(event.currentTarget, Number(slot.dataset.index));
  };
  const keys = (event) => {
    const area = event.currentTarget;
    const last = points.length - 1;
    const at = area.dataset.ownIndex === undefined ? last + 1 : Number(area.dataset.ownIndex);
    const to = { ArrowLeft: Math.max(0, at - 1), ArrowRight: Math.min(last, at + 1), Home: 0, End: last }[event.key];
    if (event.key === "Escape") say(area, null);
    if (to === undefined || last < 0) return;
    event.preventDefault();
    say(area, to);
  };

  return h("figure.chart", { key, class: kind },
    h("figcaption", {}, h("span.hidden", {}, `${title}: `), readout),
    h("div.plot", {
      tabindex: "0", role: "group", "aria-roledescription": "chart",
      "aria-label": `${title}. ${sum}. Left and right arrow keys go from bar to bar; a table follows.`,
      onmouseover: over, onmouseleave: (event) => say(event.currentTarget, null), onkeydown: keys,
      onfocusout: (event) => say(event.currentTarget, null),
    }, axis, drawing),
    note && h("p.note", {}, note),
    table(title, points, when, tell));
}

/** Returns the same as a table, closed until it is asked for. */
function table(title, points, when, tell) {
  const row = (point) => h("tr", { key: point.start }, h("th", { scope: "row" }, when(point.start)),
    h("td.number", {}, point.more ?? tell(point.value)));
  return h("details.behind", {}, h("summary", {}, "As a table"),
    h("div.scroll", { tabindex: "0", role: "region", "aria-label": `${title}, as a table` },
      h("table", {}, h("caption.hidden", {}, title),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "When"), h("th.number", { scope: "col" }, "How much"))),
        h("tbody", {}, [...points].reverse().map(row)))));
}

/** Returns round values from 0 to above `most`, at most five. */
function scale(most) {
  if (most <= 0) return [0];
  const rough = most / 3;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 2.5, 5, 10].map((it) => it * power).find((it) => it >= rough));
  const steps = [];
  for (let it = 0; it < most + step; it += step) steps.push(it);
  return steps;
}

/** Returns which of `length` bars are named on the axis; the minor ones only where there is room. */
function labels(length) {
  if (length === 0) return [];
  const every = Math.max(1, Math.round(length / 6));
  const all = [];
  for (let index = length - 1, number = 0; index >= 0; index -= every, number += 1) all.push({ index, minor: number % 2 === 1 });
  return all;
}

function anchor(index, length) {
  const part = (index + 0.5) / length;
  if (part > 0.95) return "end";
  return part < 0.03 ? "start" : "middle";
}
