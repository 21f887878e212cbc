// HorizontalPodAutoscalers: what each reads, wants and does, and what holds it.

import { chart } from "./chart.js";
import { cell, clocked, el, name as wrapped, state, table, terms, trouble } from "./dom.js";
import { moment, several, since } from "./format.js";
import { list, refill } from "./list.js";
import { explanation } from "./explanation.js";
import { link } from "./place.js";
import { entry, trend } from "./store.js";

const ORDER = ["failing", "held", "atMax", "pinnedAtZero", "new", "fine"];
const WORDS = { failing: "failing", held: "held", atMax: "at the maximum", pinnedAtZero: "pinned at zero", new: "not looked at yet", fine: "fine" };
const TONES = { failing: "bad", held: "warn", atMax: "warn", pinnedAtZero: "warn", new: "info", fine: "ok" };

export const isProblem = (hpa) => !["fine", "new"].includes(hpa.state);

// How the state is called; at the maximum with what it wants.
function words(hpa) {
  return hpa.state === "atMax" && hpa.wants !== null ? `at the maximum, wants ${hpa.wants}` : WORDS[hpa.state];
}

function number(value) {
  if (!value) return el("span", "", {}, "–");
  const beside = value.quantity === value.text ? [] : [" ", el("span", "quantity", {}, `(${value.quantity})`)];
  return el("span", "number", {}, value.text, ...beside);
}

function metric(of) {
  const tone = of.failure ? "bad" : of.old || of.ratio > 1.1 ? "warn" : "ok";
  const fill = el("span", "");
  fill.style.width = `${Math.min(100, 50 * (of.ratio ?? 0))}%`;
  const words = of.ratio === null ? "no value" : `${of.ratio.toFixed(2)} times the target`;
  return el("div", "metric", {},
    el("span", "of", {}, wrapped(of.name)),
    el("span", "value", {}, number(of.value), " / ", of.target ? number(of.target) : "no target"),
    el("span", "meter", { "data-tone": tone, title: words, role: "img", "aria-label": words }, fill));
}

function replicas(hpa) {
  const most = Math.max(hpa.max, hpa.replicas ?? 0, 1);
  const fill = el("span", "");
  fill.style.width = `${(100 * (hpa.replicas ?? 0)) / most}%`;
  const tone = hpa.state === "atMax" ? "warn" : "ok";
  return el("div", "number", {},
    el("span", "big", {}, hpa.replicas ?? "–"), el("span", "quiet small", {}, ` of ${hpa.min} to ${hpa.max}`),
    hpa.wants !== null && hpa.wants !== hpa.replicas ? el("div", "small", {}, `wants ${hpa.wants}`) : null,
    el("span", "meter", { "data-tone": tone }, fill));
}

// The metric that decides, or the first.
function leading(hpa) {
  const at = hpa.metrics.findIndex((of) => of.decides);
  return Math.max(at, 0);
}

function charts(hpa, entryName, large) {
  const lines = trend(entryName), at = leading(hpa), of = hpa.metrics[at];
  const values = chart(of?.name ?? "no metric", lines.metrics[at], { target: of?.target?.number, large });
  return [values, chart(`replicas of ${hpa.name}`, lines.replicas, { steps: true, kind: "replicas", large })];
}

function row(hpa, entryName) {
  const [values, counts] = charts(hpa, entryName, false);
  const said = [];
  for (const { name, failure, old } of hpa.metrics) {
    if (failure && !hpa.verdict.includes(failure)) said.push(trouble(`${name}: ${failure}`));
    if (old) said.push(trouble(`${name} is an old value: ${old}`, "warn"));
  }
  return [
    cell("Metrics: value / target", "wide", hpa.metrics.map(metric)),
    cell("Replicas", "counts", replicas(hpa)),
    cell("Value", "trend", values),
    cell("Replicas", "trend", counts),
    el("div", "across", {}, verdict(hpa), ...said),
  ];
}

function verdict(hpa) {
  return isProblem(hpa) ? trouble(hpa.verdict, TONES[hpa.state]) : el("div", "verdict quiet", {}, hpa.verdict);
}

// The charts go on although nothing else has changed.
function redraw(node, hpa, entryName) {
  const drawn = charts(hpa, entryName, false);
  node.querySelectorAll(".trend").forEach((place, at) => place.querySelector("svg")?.replaceWith(drawn[at]));
}

function inside(node, hpa, entryName) {
  const [values, counts] = charts(hpa, entryName, true);
  const steps = hpa.metrics.map((of) => [
    el("h3", "", {}, wrapped(of.title), of.decides ? el("span", "quiet", {}, ", which decides") : null),
    terms([
      ["value", number(of.value)],
      ["target", of.targetWords],
      ["proposes", of.proposes === null ? "nothing" : several(of.proposes, "replica", "replicas")],
      ["failure", of.failure],
      ["old value", of.old],
      ["served by", mappingLink(of.mapping)],
    ]),
    of.arithmetic.length > 0 ? el("ol", "", {}, of.arithmetic.map((step) => el("li", "", {}, step))) : null,
  ]);
  const conditions = hpa.conditions.map(({ type, status, reason, message, lastTransitionTime }) => [type, status, reason, message,
    lastTransitionTime ? clocked(Date.parse(lastTransitionTime), (at) => `${since(at)} ago`) : ""]);
  const command = `leadsman explain hpa ${hpa.namespace}/${hpa.name}`;
  const own = hpa.metrics.map((of) => of.mapping).filter((title) => title && entry(`mapping/${title}`));
  const behind = el("div", "", {});
  refill(node,
    el("div", "charts", {}, figure(values, `the value of ${hpa.metrics[leading(hpa)]?.name ?? "no metric"}, and its target`), figure(counts, "replicas")),
    steps,
    el("h3", "", {}, "What its controller says"),
    hpa.lastScaleTime ? el("p", "small", {}, "last scaled ", clocked(Date.parse(hpa.lastScaleTime), (at) => `${since(at)} ago, ${moment(at)}`)) : null,
    conditions.length > 0 ? table(["condition", "status", "reason", "message", "since"], conditions) : el("p", "quiet", {}, "nothing yet"),
    el("p", "small quiet", {}, "Pods count here as the average that the controller read. Pod by pod, and with other targets: ", el("code", "", {}, command)),
    behind);
  // What led to the values is that of the mappings.
  for (const title of new Set(own)) {
    const place = el("div", "");
    behind.append(el("h3", "", {}, "Behind it: ", mappingLink(title)), place);
    explanation(place, title);
  }
}

const figure = (drawn, caption) => el("figure", "", {}, drawn, el("figcaption", "", {}, caption));

function mappingLink(title) {
  if (!title) return null;
  return link(el("a", "", {}, wrapped(title)), { open: `mapping/${title}` });
}

export const autoscalers = () => list({
  kind: "autoscaler", id: "autoscalers", heading: "Autoscalers",
  columns: ["Autoscaler", "Metrics: value / target", "Replicas", "Value, and its target", "Replicas"],
  empty() {
    const about = entry("head")?.autoscalers ?? {};
    if (about.state === "forbidden") return `The autoscalers are not shown, as a right is missing: ${about.reason}`;
    if (about.state === "interrupted") return `The autoscalers cannot be listed for now: ${about.reason}`;
    if (about.state === "starting") return "The autoscalers are being listed.";
    if (about.state === "noCluster") return "There is no cluster, and so no autoscaler.";
    return "The cluster has no HorizontalPodAutoscaler.";
  },
  summary(all) {
    const about = entry("head")?.autoscalers ?? {};
    const bad = ORDER.slice(0, 5).map((of) => [all.filter((hpa) => hpa.state === of).length, WORDS[of]]).filter(([many]) => many > 0);
    const parts = [several(about.total ?? all.length, "HorizontalPodAutoscaler", "HorizontalPodAutoscalers"), ...bad.map(([many, word]) => `${many} ${word}`)];
    if (about.total > all.length) parts.push(`the worst ${all.length} are shown`);
    if (about.more) parts.push("there are more, which are not followed");
    if (all.length > 0 && about.state === "interrupted") parts.push(`cannot be followed: ${about.reason}`);
    if (all.length > 0 && about.state === "forbidden") parts.push(`cannot be followed any more: ${about.reason}`);
    return parts.join(", ");
  },
  order: (hpa) => [ORDER.indexOf(hpa.state), hpa.namespace, hpa.name],
  text: (hpa) => [hpa.namespace, hpa.name, `${hpa.namespace}/${hpa.name}`, hpa.target, WORDS[hpa.state], hpa.verdict, ...hpa.metrics.flatMap((of) => [of.title, of.mapping ?? ""])],
  problem: isProblem,
  title: (hpa) => `${hpa.namespace}/${hpa.name}`,
  under: (hpa) => wrapped(hpa.target),
  states: (hpa) => [state(words(hpa), TONES[hpa.state])],
  row, inside, redraw,
});
