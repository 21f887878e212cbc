// Mappings: their state, query, plugin and age.

import { cell, clocked, el, name as wrapped, state, trouble } from "./dom.js";
import { at, count, digest, moment, quantity, several, since } from "./format.js";
import { list } from "./list.js";
import { activates } from "./activation.js";
import { explanation } from "./explanation.js";
import { entry } from "./store.js";

const ORDER = ["failing", "lastGood", "pending", "ok", "unread"];
const WORDS = { failing: "failing", lastGood: "serving old values", pending: "pending", ok: "ok", unread: "not read yet" };
const TONES = { failing: "bad", lastGood: "warn", pending: "info", ok: "ok", unread: null };

// What is wrong although the newest evaluation succeeded.
function chips({ refused, disagreeing, leftOut, lacks, candidate }) {
  const made = [];
  if (refused > 0) made.push(state(several(refused, "value refused", "values refused"), "warn", "NaN, infinite, or of another namespace"));
  if (leftOut > 0) made.push(state(several(leftOut, "object left out", "objects left out"), "warn"));
  if (disagreeing > 0) made.push(state(several(disagreeing, "object's series disagree", "objects' series disagree"), "warn"));
  if (lacks.length > 0) made.push(state("reads lack values", "warn"));
  if (candidate) {
    const { different, failed } = candidate;
    if (different > 0) made.push(state(`candidate differs in ${count(different)} of ${several(different + candidate.same, "run", "runs")}`, "warn"));
    else if (failed > 0) made.push(state("candidate fails", "warn"));
    else made.push(state("candidate is the same so far", "info"));
  }
  return made;
}

export const isProblem = (of) => ["failing", "lastGood"].includes(of.state) || of.refused + of.disagreeing + of.leftOut + of.lacks.length > 0 || of.candidate?.different > 0 || of.candidate?.failed > 0;

function where({ kind, resource, owner, ofRule }) {
  const served = kind === "external" ? "external metric" : kind === "usage" ? `usage of ${resource}` : `for ${resource}`;
  const whose = owner === "operator" ? (ofRule ? ", by a rule" : "") : `, of ${owner}`;
  return served + whose;
}

const given = (text) => (text === null ? "nothing" : quantity(text));

function said(of) {
  const lines = [];
  if (of.unavailable) lines.push(trouble(of.unavailable));
  for (const { message, scopes, moreScopes } of of.unavailable ? [] : of.errors) {
    const rest = moreScopes > 0 ? ` and ${moreScopes} more` : "";
    const place = of.evaluations > 1 || scopes[0] !== "the whole cluster" ? `${scopes.join(", ")}${rest}: ` : "";
    lines.push(trouble(place + message, of.state === "failing" ? "bad" : "warn"));
  }
  if (of.moreErrors > 0) lines.push(trouble(`and ${several(of.moreErrors, "other error", "other errors")}; open it to see each`));
  for (const { reason, message, count: reads, at: newest } of of.lacks) {
    const node = trouble("", "warn");
    node.append(`${several(reads, "read", "reads")} incomplete (${reason}), the last `, clocked(newest, since), ` ago: ${message}`);
    lines.push(node);
  }
  for (const { of: object, served, candidate } of of.candidate?.differences ?? []) {
    lines.push(trouble(`candidate ${of.candidate.plugin}, ${object}: ${given(candidate)} where ${given(served)} is served`, "warn"));
  }
  if (of.candidate?.lastError) lines.push(trouble(`candidate ${of.candidate.plugin} failed last with: ${of.candidate.lastError}`, "warn"));
  return lines;
}

// The state with how many of how many, and since when.
function condition(of) {
  const many = of.states[of.state] ?? 0;
  const text = of.evaluations > 1 && many > 0 && many < of.evaluations ? `${WORDS[of.state]} in ${many} of ${of.evaluations}` : WORDS[of.state];
  const more = chips(of);
  // What was left out, refused or differs is the state then.
  const made = of.state === "ok" && more.length > 0 ? more : [state(text, TONES[of.state]), ...more];
  if (of.failingSince !== null) made.splice(1, 0, el("span", "small", { title: moment(of.failingSince) }, `since ${at(of.failingSince)}, `, clocked(of.failingSince, since)));
  return el("div", "chips", {}, ...made);
}

function row(of) {
  const queries = of.queries.slice(0, 3).map(({ name, source, text, whole }) => el("div", "", {},
    el("span", "quiet small", {}, `${name} of ${source}: `), el("code", "", {}, wrapped(text), whole ? "" : "…")));
  if (of.queries.length > 3) queries.push(el("div", "quiet small", {}, `and ${several(of.queries.length - 3, "query", "queries")} more`));
  return [
    cell("Plugin", "", el("div", "", {}, wrapped(of.plugin), " ", el("span", "quiet small", {}, of.pluginVersion)),
      el("code", "quiet", { title: of.pluginDigest }, wrapped(digest(of.pluginDigest))),
      ...(of.then ?? []).flatMap((next) => [
        el("div", "", {}, el("span", "quiet small", {}, "then "), wrapped(next.plugin), " ", el("span", "quiet small", {}, next.pluginVersion)),
        el("code", "quiet", { title: next.pluginDigest }, wrapped(digest(next.pluginDigest)))])),
    cell("Query", "wide", queries.length > 0 ? queries : el("span", "quiet", {}, "none")),
    cell("Values", "number", of.oldestValues === null ? el("span", "quiet", {}, "none") : el("span", "", { title: moment(of.oldestValues) }, clocked(of.oldestValues, since), " old"),
      el("div", "quiet small", {}, several(of.evaluations, "evaluation", "evaluations"))),
    el("div", "across", {}, activates(of), ...said(of)),
  ];
}

export const mappings = () => list({
  kind: "mapping", id: "mappings", heading: "Mappings",
  columns: ["Mapping", "Plugin", "Query", "Values"],
  empty: () => entry("head")?.notLoaded ?? "Nobody has read a metric of a rule yet, and there is no mapping.",
  summary(all) {
    const many = (of) => all.filter((mapping) => mapping.state === of).length;
    const total = entry("head")?.mappings ?? all.length;
    const parts = [several(total, "mapping", "mappings")];
    if (many("failing") > 0) parts.push(`${many("failing")} failing`);
    if (many("lastGood") > 0) parts.push(`${many("lastGood")} serving old values`);
    if (many("unread") > 0) parts.push(`${many("unread")} not read yet`);
    if (total > all.length) parts.push(`the worst ${all.length} are shown`);
    return parts.join(", ");
  },
  order: (of) => [ORDER.indexOf(of.state), isProblem(of) ? 0 : 1, of.title],
  text: (of) => [of.title, of.metric, of.kind, of.owner, of.team ?? "", of.plugin, of.pluginDigest, of.activation?.workload ?? "", ...(of.then ?? []).flatMap((next) => [next.plugin, next.pluginDigest]), WORDS[of.state], ...of.queries.flatMap((query) => [query.name, query.source, query.text])],
  problem: isProblem,
  title: (of) => of.title,
  under: (of) => wrapped(where(of)),
  states: (of) => [condition(of)],
  row,
  inside: (node, of) => explanation(node, of.title),
});
