// Teams and their budgets; and what is not as it is configured.

import { cell, clocked, el, name as wrapped, state, trouble } from "./dom.js";
import { bytes, count, plain, several, since } from "./format.js";
import { list } from "./list.js";

// How much of what there is.
function used(label, now, most, say) {
  if (most === undefined) return cell(label, "", el("span", "quiet", {}, "no budget"));
  const fill = el("span", ""), share = most > 0 ? now / most : 0;
  fill.style.width = `${Math.min(100, 100 * share)}%`;
  const tone = share >= 1 ? "bad" : share >= 0.8 ? "warn" : "ok";
  return cell(label, "number", el("div", "", {}, say(now), el("span", "quiet small", {}, ` of ${say(most)} ${label}`)), el("span", "meter", { "data-tone": tone }, fill));
}

export const teams = () => list({
  kind: "team", id: "teams", heading: "Teams", optional: true,
  empty: () => "No team has a mapping of its own.",
  summary: (all) => `${several(all.length, "namespace has", "namespaces have")} mappings of their own; budgets are those of a minute`,
  order: (of) => [of.state === "spent" ? 0 : 1, of.namespace],
  text: (of) => [of.namespace, of.state === "spent" ? "spent" : ""],
  problem: (of) => of.state === "spent",
  title: (of) => of.namespace,
  under: (of) => [several(of.plugins, "plugin", "plugins")],
  states: (of) => (of.state === "spent" ? [state("budget is spent", "bad")] : []),
  row: (of) => [
    used("evaluations", of.evaluations, of.evaluationsMost, count),
    used("plugin time", of.pluginSeconds, of.pluginSecondsMost, (seconds) => `${plain(seconds)} s`),
    used("plugin memory", of.memory, of.memoryMost, bytes),
    used("mappings", of.mappings, of.mappingsMost, count),
  ],
});

export const rejected = () => list({
  kind: "rejected", id: "rejected", heading: "Not served as configured", optional: true,
  empty: () => "",
  summary: (all) => `${several(all.length, "thing", "things")}, and why`,
  order: (of) => [of.serving ? 1 : 0, of.owner, of.title],
  text: (of) => [of.owner, of.title, of.reason, of.message, "rejected"],
  problem: () => true,
  title: (of) => of.title,
  under: (of) => wrapped(of.owner),
  states: (of) => [state(of.reason, of.serving ? "warn" : "bad")],
  row: (of) => [
    cell("Served instead", "", el("span", "quiet small", {}, "served instead: "), of.serving ? (of.reason === "ConfigWarning" ? "what is configured" : "what was there before") : "nothing"),
    el("div", "across", {}, trouble(of.message, of.serving ? "warn" : "bad")),
  ],
});

export const unserved = () => list({
  kind: "unserved", id: "unserved", heading: "Reads of what is not served", optional: true,
  empty: () => "",
  summary: () => "the newest of each reason, of the last five minutes",
  order: (of) => [-of.count, of.reason],
  text: (of) => [of.reason, of.message],
  problem: () => true,
  title: (of) => of.reason,
  under: (of) => [several(of.count, "read", "reads")],
  row: (of) => [
    cell("Newest", "", clocked(of.at, since), " ago"),
    el("div", "across", {}, trouble(of.message, "warn")),
  ],
});

const KIND_TONES = { synced: "ok", starting: "info", interrupted: "warn", unknown: "bad" };

export const kinds = () => list({
  kind: "kind", id: "kinds", heading: "Objects", optional: true,
  empty: () => "",
  summary: () => "that metrics are served for",
  order: (of) => [of.state === "synced" ? 1 : 0, of.resource],
  text: (of) => [of.resource, of.state, of.reason ?? ""],
  problem: (of) => !["synced", "starting"].includes(of.state),
  title: (of) => of.resource,
  under: () => [],
  states: (of) => [state(of.state, KIND_TONES[of.state])],
  row: (of) => [
    cell("Known", "number", `${count(of.count)} known`),
    of.reason ? el("div", "across", {}, trouble(of.reason, of.state === "unknown" ? "bad" : "warn")) : null,
  ].filter(Boolean),
});
