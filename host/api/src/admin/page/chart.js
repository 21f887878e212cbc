// Small charts: a line of the last hour at most, with its scale and its time span.

import { svg } from "./dom.js";
import { age, now, plain, scale } from "./format.js";

const HOUR = 3600 * 1000, MINUTE = 60 * 1000;

// `points` are pairs of a time in milliseconds and a value, the oldest first. Zero is always on the
// scale. `steps` for numbers of replicas, which do not change bit by bit.
export function chart(title, points, { target, steps = false, large = false, kind = "" } = {}) {
  const [width, height] = large ? [560, 150] : [178, 48];
  const [left, right, top, bottom] = [34, width - 4, 5, height - 13];
  const end = now();
  const known = (points ?? []).filter(([at, value]) => Number.isFinite(value) && at >= end - HOUR);
  const begin = known.length > 0 ? Math.min(known[0][0], end - MINUTE) : end - HOUR;
  const values = known.map(([, value]) => value);
  const high = Math.max(0, ...values, Number.isFinite(target) ? target : 0);
  const low = Math.min(0, ...values);
  const range = high > low ? high - low : 1;
  const x = (at) => (left + ((right - left) * (at - begin)) / Math.max(end - begin, 1)).toFixed(1);
  const y = (value) => (bottom - ((bottom - top) * (value - low)) / range).toFixed(1);
  const span = age((end - begin) / 1000 + 1);
  const node = svg("svg", { class: `chart ${kind} ${large ? "large" : ""}`, viewBox: `0 0 ${width} ${height}`, role: "img", preserveAspectRatio: "xMinYMid" });
  node.append(svg("path", { class: "axis", d: `M${left} ${top}V${bottom}H${right}` }));
  node.append(svg("text", { x: left - 4, y: top + 4, "text-anchor": "end" }, scale(high > low ? high : 1)));
  node.append(svg("text", { x: left - 4, y: bottom, "text-anchor": "end" }, scale(low)));
  node.append(svg("text", { x: left, y: height - 2 }, known.length > 0 ? `${span} ago` : "no values yet"));
  node.append(svg("text", { x: right, y: height - 2, "text-anchor": "end" }, "now"));
  if (Number.isFinite(target)) node.append(svg("path", { class: "target", d: `M${left} ${y(target)}H${right}` }));
  if (known.length > 0) {
    node.append(svg("path", { class: "line", d: line(known, x, y, steps, end) }));
    node.append(svg("circle", { class: "end", cx: x(Math.min(known.at(-1)[0], end)), cy: y(values.at(-1)), r: 2.4 }));
  }
  const label = spoken(title, values, target, span);
  node.setAttribute("aria-label", label);
  node.prepend(svg("title", {}, label));
  return node;
}

// The time between two points after which there is a gap: nothing was known.
const GAP = 90 * 1000;

function line(points, x, y, steps, end) {
  let drawn = "", last = null;
  for (const [at, value] of points) {
    const place = `${x(at)} ${y(value)}`;
    if (last === null || at - last > GAP) drawn += `M${place}h.01`;
    else drawn += steps ? `H${x(at)}V${y(value)}` : `L${place}`;
    last = at;
  }
  return steps && end - last <= GAP ? `${drawn}H${x(end)}` : drawn;
}

function spoken(title, values, target, span) {
  const goal = Number.isFinite(target) ? `, target ${plain(target)}` : "";
  if (values.length === 0) return `${title}: no values yet${goal}`;
  const [least, most] = [Math.min(...values), Math.max(...values)].map(plain);
  return `${title}: now ${plain(values.at(-1))}, lowest ${least}, highest ${most} of the last ${span}${goal}`;
}
