// All that the server has told, by the names of its entries, and who wants to hear of changes.

import { now, setNow } from "./format.js";

const HOUR = 3600 * 1000;
const entries = new Map(), trends = new Map(), listeners = [];

export const entry = (name) => entries.get(name);

// The entries of a kind, with their names.
export function all(kind) {
  const prefix = `${kind}/`;
  return [...entries].filter(([name]) => name.startsWith(prefix));
}

export const trend = (name) => trends.get(name) ?? { replicas: [], metrics: [] };

// Whether the last hour is known, so that it need not be told again.
export const hasTrends = () => trends.size > 0;

export const listen = (listener) => listeners.push(listener);

export function tell(event, { now: time, set = {}, gone = [], trends: told }) {
  setNow(time);
  if (event === "whole") {
    for (const name of [...entries.keys()]) if (!(name in set)) gone.push(name);
    for (const [name, lines] of Object.entries(told ?? {})) trends.set(name, absolute(lines));
  }
  const changed = new Set(gone);
  for (const name of gone) {
    entries.delete(name);
    trends.delete(name);
  }
  for (const [name, value] of Object.entries(set)) {
    entries.set(name, value);
    changed.add(name);
    if (name.startsWith("autoscaler/")) note(name, value);
  }
  for (const listener of listeners) listener(changed);
}

// Lines are told in seconds before a time.
function absolute({ at, replicas, metrics }) {
  const points = (line) => (line ?? []).map(([before, value]) => [at - before * 1000, value]);
  return { replicas: points(replicas), metrics: (metrics ?? []).map(points) };
}

// What changes is the newest point of its line.
function note(name, { replicas, metrics }) {
  const lines = trends.get(name) ?? { replicas: [], metrics: [] };
  trends.set(name, lines);
  add(lines.replicas, replicas);
  metrics.forEach(({ value }, at) => add((lines.metrics[at] ??= []), value?.number));
}

function add(line, value) {
  if (!Number.isFinite(value)) return;
  line.push([now(), value]);
  while (line.length > 0 && line[0][0] < now() - HOUR) line.shift();
  // A page that stays open for long keeps no more than the server does.
  if (line.length > 600) line.splice(0, 300, ...line.slice(0, 300).filter((_, at) => at % 2 === 0));
}

// What has not changed is still so: the newest value is a point of now, as it is for the server.
export function hold() {
  for (const [name, value] of entries) if (name.startsWith("autoscaler/")) note(name, value);
}
