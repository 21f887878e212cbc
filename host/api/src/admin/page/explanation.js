// What led to the values of a mapping: the explanation that `leadsman explain mapping` prints.

import { el, name as wrapped, state, table, terms, trouble } from "./dom.js";
import { age, bytes, count, digest, plain, quantity, several, took } from "./format.js";
import { activation } from "./activation.js";
import { chart } from "./chart.js";
import { refill } from "./list.js";
import { headers } from "./token.js";

const TONES = { failing: "bad", lastGood: "warn", pending: "info", ok: "ok" };
const WORDS = { failing: "failing", lastGood: "serving old values", pending: "pending", ok: "ok" };

// How often the same explanation is asked for again while what it is about changes.
const PAUSE_MS = 3000;
const asked = new WeakMap();

// Fills a place with the explanation of a mapping, and again each time that this is called.
export async function explanation(place, title) {
  const known = asked.get(place) ?? { at: 0, waits: null };
  asked.set(place, known);
  const wait = known.at + PAUSE_MS - Date.now();
  if (wait > 0) {
    known.waits ??= setTimeout(() => { known.waits = null; if (place.isConnected) explanation(place, title); }, wait);
    return;
  }
  known.at = Date.now();
  if (!place.hasChildNodes()) place.append(el("p", "quiet", {}, "asking for the explanation"));
  try {
    const path = title.split("/").map(encodeURIComponent).join("/");
    const response = await fetch(`status/explain/${path}`, { headers: headers(), cache: "no-store", signal: AbortSignal.timeout(10000) });
    const told = await response.json();
    if (!response.ok) throw new Error(told.message ?? response.statusText);
    if (!place.hidden) refill(place, written(told));
  } catch (error) {
    refill(place, trouble(`there is no explanation: ${error.message}`));
  }
}

function written({ now, mapping, explanation: told }) {
  const all = mapping.evaluations ?? [];
  return [
    told.mapping ? about(told.mapping, mapping.activation) : null,
    all.length === 0 ? el("p", "quiet", {}, "Nobody has read this metric lately, so nothing is evaluated.") : null,
    ...all.map((of, at) => evaluation(of, now, told.evaluations?.find((one) => (one.namespace ?? "") === of.scope && (one.selector ?? "") === of.selector), at, all.length)),
    ...(told.leftOut ?? []).map((text) => el("p", "quiet small", {}, text)),
    mapping.evaluationsTotal > all.length ? el("p", "quiet", {}, `${count(all.length)} of ${several(mapping.evaluationsTotal, "evaluation", "evaluations")} are shown`) : null,
  ];
}

function about(of, activates) {
  const written = of.written && [of.written.document, of.written.line ? `line ${of.written.line}` : of.written.place, of.written.revision && `revision ${of.written.revision}`].filter(Boolean).join(", ");
  const policy = of.policy;
  const rules = [
    `a read waits for ${age(policy.deadline)} at most`, `values are current for ${age(policy.maxAge)}`,
    policy.lastGood !== undefined && `old ones are served for ${age(policy.lastGood)} while it fails`,
    policy.otherwise && `${policy.otherwise} stands for what is not known`,
    policy.lastKnown !== undefined && `the last value stands for what is absent for ${age(policy.lastKnown)}`,
    policy.default && `${policy.default} stands for what is absent`,
    policy.activation !== undefined && `below ${plain(policy.activation)} is 0`,
    `NaN: ${policy.onNan}`,
  ].filter(Boolean);
  const all = [of.plugin, ...of.then ?? []];
  const configs = all.map(({ name, config }) => [name, JSON.stringify(config, null, 2)]).filter(([, config]) => config && config !== "{}" && config !== "null");
  return el("div", "", {},
    terms([
      ["written in", written],
      ...all.map((one, at) => [at === 0 ? "plugin" : "then", el("span", "", {}, `${one.name} ${one.version}, `, el("code", "", { title: one.digest }, wrapped(digest(one.digest))))]),
      ["policy", rules.join("; ")],
      ["to zero and from zero", activation(activates)],
    ]),
    ...of.queries.map((query) => el("div", "", {}, el("h3", "", {}, `query ${query.name} of ${query.source}, as it is written`), el("pre", "code", {}, query.text))),
    ...configs.map(([name, config], at) => folded(at === 0 ? "config" : `config${at}`, all.length > 1 ? `configuration of ${name}` : "configuration of the plugin", el("pre", "code", {}, config))));
}

const folded = (key, summary, ...children) => el("details", "", { "data-key": key }, el("summary", "", {}, summary), ...children);

function evaluation(of, now, told, at, total) {
  const facts = [
    Number.isFinite(of.ageSeconds) && `${age(of.ageSeconds)} old`, `read every ${age(of.everySeconds)}`,
    Number.isFinite(of.querySeconds) && `queries took ${took(of.querySeconds)}`, Number.isFinite(of.pluginSeconds) && `the plugin ${took(of.pluginSeconds)}`,
    Number.isFinite(of.failingSeconds) && `failing for ${age(of.failingSeconds)}`,
  ].filter(Boolean);
  const key = `${of.scope}/${of.selector}`;
  const title = [of.scope ? `namespace ${of.scope}` : "the whole cluster", of.selector && `with ${of.selector}`].filter(Boolean).join(" ");
  const node = folded(key, [wrapped(title), " ", state(WORDS[of.state] ?? of.state, TONES[of.state]), " ", el("span", "quiet small", {}, facts.join(", "))],
    of.error ? trouble(of.error, of.state === "failing" ? "bad" : "warn") : null,
    of.handover?.serving ? trouble(`the mapping before its last change serves${of.handover.endsInSeconds ? ` for ${age(of.handover.endsInSeconds)} yet` : ""}`, "warn") : null,
    values(of, now), refused(of),
    of.disagreeingTotal > 0 ? trouble(`the series of ${several(of.disagreeingTotal, "object", "objects")} do not agree, so they have no value`, "warn") : null,
    readers(told?.readers ?? []),
    ...(told?.runs ?? []).map((one, number) => run(one, key, number)));
  node.open = total <= 3 || at === 0;
  return node;
}

function values(of, now) {
  const all = of.values ?? [];
  if (all.length === 0) return el("p", "quiet", {}, "no values");
  const rows = all.map(({ object, namespace, labels, value, time, history }) => {
    const pairs = Object.entries(labels ?? {}).map(([name, text]) => `${name}=${text}`).join(", ");
    const elsewhere = namespace && namespace !== of.scope ? `${namespace}/` : "";
    const text = quantity(value), points = (history ?? []).map(([before, number]) => [now - before * 1000, number]);
    return [
      el("span", "", {}, wrapped(object ? elsewhere + object : pairs || "no labels")),
      el("td", "number", {}, text, text === value ? "" : el("span", "quantity", {}, ` (${value})`)),
      Number.isFinite(time) ? `${age((now - time) / 1000)} ago` : "–",
      points.length > 1 ? chart(object || pairs, points) : el("span", "quiet small", {}, "a trend begins when it is looked at"),
    ];
  });
  const more = of.valuesTotal > all.length ? el("p", "quiet", {}, `${count(all.length)} of ${several(of.valuesTotal, "value", "values")} are shown`) : null;
  return el("div", "", {}, table(["object", "value", "measured", "over time"], rows), more);
}

function refused(of) {
  if (!of.refusedTotal) return null;
  const lines = (of.refused ?? []).map(({ object, namespace, reason }) => `\n${namespace ? `${namespace}/` : ""}${object}: ${reason}`);
  return trouble(`${several(of.refusedTotal, "value is refused", "values are refused")}:${lines.join("")}`, "warn");
}

function readers(all) {
  if (all.length === 0) return null;
  const lines = all.slice(0, 10).map(({ user, agent, namespace, last }) => el("li", "", {}, `${user ?? "somebody"}${namespace ? `, of ${namespace}` : ""}, ${agent || "no user agent"}, last at ${time(last)}`));
  return folded("readers", `read by ${several(all.length, "reader", "readers")}`, el("ul", "", {}, lines));
}

const time = (text) => new Date(text).toLocaleTimeString("en-GB");

function run(of, key, number) {
  const ok = of.outcome === "ok";
  const summary = [`run at ${time(of.time)}, ${took(of.took)}, `, of.cause === "ahead" ? "ahead of the next read " : "for a read ", state(of.outcome, ok ? "ok" : "bad")];
  return folded(`${key}#${number}`, summary,
    ...(of.failure ?? []).length > 0 ? [trouble(of.failure.join("\n"))] : [],
    ...of.queries.map(query), plugin(of.plugin), measures(of));
}

function query(of) {
  const facts = [of.took !== null && of.took !== undefined && took(of.took), Number.isFinite(of.series) && several(of.series, "series", "series"),
    Number.isFinite(of.beforeSelection) && `of ${count(of.beforeSelection)} before the selector`].filter(Boolean).join(", ");
  const rows = (of.rows ?? []).map(({ labels, value, time: at, object }) => [
    el("code", "", {}, wrapped(`{${Object.entries(labels).map(([name, text]) => `${name}="${text}"`).join(", ")}}`)),
    el("td", "number", {}, value), time(at), object ?? ""]);
  return el("div", "", {},
    el("h3", "", {}, `query ${of.name} of ${of.source}, as it was sent`, el("span", "quiet small", {}, facts && `: ${facts}`)),
    el("pre", "code", {}, of.sent),
    of.link && safe(of.link) ? el("p", "small", {}, el("a", "", { href: of.link, rel: "noreferrer noopener", target: "_blank" }, "look at it in the source")) : null,
    of.error ? trouble(of.error) : null,
    ...(of.warnings ?? []).map((text) => trouble(text, "warn")),
    rows.length > 0 ? table(["row", "value", "at", "object"], rows) : null,
    ...(of.leftOut ?? []).map((text) => el("p", "quiet small", {}, text)));
}

// Only pages of a source are links, whatever it is called.
const safe = (link) => /^https?:\/\//.test(link);

function plugin(of) {
  if (!of) return null;
  return el("div", "", {}, el("h3", "", {}, "the plugin ", el("span", "quiet small", {}, `${took(of.took)}, ${bytes(of.memory)}`)),
    (of.log ?? []).length > 0 ? el("pre", "code", {}, of.log.join("\n")) : el("p", "quiet small", {}, of.logLeftOut ?? "it logged nothing"));
}

function measures(of) {
  if ((of.measures ?? []).length === 0) return null;
  const rows = of.measures.map(({ namespace, object, labels, raw, served, policy }) => [
    el("span", "", {}, wrapped(object ? `${namespace ? `${namespace}/` : ""}${object}` : Object.entries(labels ?? {}).map((pair) => pair.join("=")).join(", "))),
    el("td", "number", {}, raw), el("td", "number", {}, served ? served.decimal : state("not served", "warn")), policy ?? ""]);
  return el("div", "", {}, el("h3", "", {}, `what the plugin gave: ${several(of.measuresTotal, "measure", "measures")}`), table(["object", "gave", "served", "policy"], rows));
}
