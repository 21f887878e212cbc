// Numbers and times as people write them.

const digits = (most) => new Intl.NumberFormat("en", { maximumSignificantDigits: most, useGrouping: false });
const [short, decimal, whole] = [digits(3), digits(6), new Intl.NumberFormat("en")];

export const count = (number) => whole.format(number);
export const several = (number, one, many) => `${count(number)} ${number === 1 ? one : many}`;

// The server's clock may be another than the reader's.
let ahead = 0;
export const setNow = (now) => { ahead = now - Date.now(); };
export const now = () => Date.now() + ahead;

const SIZES = [[120, 1, "s"], [7200, 60, "min"], [172800, 3600, "h"], [Infinity, 86400, "days"]];

// How long: `41 s`, `3 min`.
export function age(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const positive = Math.max(seconds, 0);
  const [, size, unit] = SIZES.find(([most]) => positive < most);
  return `${Math.floor(positive / size)} ${unit}`;
}

// When something was: the time of day, and the day if it is another.
export function at(time) {
  const date = new Date(time), today = new Date(now()).toDateString() === date.toDateString();
  const clock = date.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  return today ? clock : `${date.toLocaleDateString("en-CA")} ${clock}`;
}

export const since = (at) => age((now() - at) / 1000);

// How long something took: `12.4 ms`.
export function took(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  const [, size, unit] = [[0.0009995, 1e-6, "µs"], [0.9995, 1e-3, "ms"], [Infinity, 1, "s"]].find(([most]) => seconds < most);
  return `${short.format(seconds / size)} ${unit}`;
}

// A number of a chart's scale: `1.2k`.
export function scale(number) {
  const size = Math.abs(number);
  const [least, unit] = [[1e9, "G"], [1e6, "M"], [1e4, "k"], [0, ""]].find(([limit]) => size >= limit);
  const divided = unit === "k" ? number / 1e3 : number / (least || 1);
  return `${short.format(divided)}${unit}`;
}

export const plain = (number) => decimal.format(number);

// A quantity of Kubernetes as people write it: `1013400m` is 1013.4.
const SUFFIXES = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
export function quantity(text) {
  const parts = /^(-?\d+)([numkMGTPE]?)$/.exec(text ?? "");
  if (!parts) return text ?? "–";
  const exponent = SUFFIXES[parts[2]];
  const sign = parts[1].startsWith("-") ? "-" : "";
  const all = parts[1].replace("-", "");
  if (exponent >= 0) return sign + all + "0".repeat(exponent);
  const padded = all.padStart(1 - exponent, "0");
  const fraction = padded.slice(exponent).replace(/0+$/, "");
  return sign + padded.slice(0, exponent) + (fraction && `.${fraction}`);
}

export const bytes = (number) => {
  const [size, unit] = [[2 ** 30, "GiB"], [2 ** 20, "MiB"], [2 ** 10, "KiB"], [1, "B"]].find(([limit]) => number >= limit) ?? [1, "B"];
  return `${short.format(number / size)} ${unit}`;
};

// `sha256:0123…` as far as people compare it.
export const digest = (text) => (text ?? "").replace(/^(?:[a-z0-9]+:)?([0-9a-f]{12})[0-9a-f]*$/, "sha256:$1");

export const moment = (at) => new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
