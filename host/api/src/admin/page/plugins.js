// Plugins: which version of each runs, what it costs, and how candidates differ.

import { cell, el, name as wrapped, state, trouble } from "./dom.js";
import { count, digest, quantity, several, took } from "./format.js";
import { list } from "./list.js";

const given = (text) => (text === null ? "nothing" : quantity(text));

function trials(of) {
  return of.trials.flatMap(({ mapping, same, different, failed, skipped, lastError, differences }) => {
    const tone = different > 0 || failed > 0 ? "warn" : "info";
    const counts = [[same, "same"], [different, "different"], [failed, "failed"], [skipped, "skipped"]].map(([many, word]) => `${count(many)} ${word}`);
    const lines = differences.map((line) => `\n${line.of}: ${given(line.candidate)} where ${given(line.served)} is served`);
    return [trouble(`on trial for ${mapping}: ${counts.join(", ")}${lines.join("")}${lastError ? `\nlast failure: ${lastError}` : ""}`, tone)];
  });
}

export const plugins = () => list({
  kind: "plugin", id: "plugins", heading: "Plugins",
  columns: ["Plugin", "Version", "Used by", "Runs", "Time", "Failed"],
  empty: () => "No mapping runs a plugin.",
  summary(all) {
    const differ = all.filter((of) => of.state === "differs").length;
    return several(all.length, "plugin", "plugins") + (differ > 0 ? `, ${several(differ, "candidate differs", "candidates differ")}` : "");
  },
  order: (of) => [of.state === "differs" ? 0 : 1, of.name, of.digest],
  text: (of) => [of.name, of.version, of.digest, of.state, ...of.mappings, ...of.trials.map((trial) => trial.mapping)],
  problem: (of) => of.state === "differs",
  title: (of) => of.name,
  under: (of) => [el("code", "", { title: of.digest }, wrapped(digest(of.digest)))],
  states: (of) => (of.state === "differs" ? [state("candidate differs", "warn")] : of.trials.length > 0 ? [state("on trial", "info")] : []),
  row: (of) => [
    cell("Version", "", of.version),
    cell("Used by", "", of.mappingsTotal > 0 ? several(of.mappingsTotal, "mapping", "mappings") : "as a candidate alone"),
    cell("Runs", "number", several(of.runs, "run", "runs")),
    cell("Time", "number", of.meanSeconds === null ? "not run yet" : [took(of.seconds), el("span", "quiet small", {}, `, ${took(of.meanSeconds)} each`)]),
    cell("Failed", "number", of.failed > 0 ? state(`${count(of.failed)} failed`, "warn") : el("span", "quiet", {}, "none failed")),
    el("div", "across", {}, trials(of)),
  ],
});
