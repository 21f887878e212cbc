// Builds inputs, for tests.

import { Input } from '../input.js';
import { compare } from '../objects.js';
import { Interner } from '../text.js';

/** Makes an `Input` from what Prometheus answers. */
export class InputBuilder {
  #texts = new Interner();
  #namespace;
  #now = 0;
  #answers = [];
  #objects;

  constructor() {
    this.#texts.intern('');
  }

  namespace(name) {
    this.#namespace = name;
    return this;
  }

  now(milliseconds) {
    this.#now = milliseconds;
    return this;
  }

  answer(query, json) {
    const given = typeof json === 'string' ? JSON.parse(json) : json;
    const { resultType, result, unit } = given.data ?? given;
    const data = this.#data(resultType, result);
    this.#answers.push({ query, data, unit: unit ? unit : null, warnings: [] });
    return this;
  }

  object(name, { namespace, labels = {}, address = '' } = {}) {
    this.#objects ??= [];
    this.#objects.push({ name, namespace: namespace ?? '', labels, address });
    return this;
  }

  finish() {
    return new Input(this.raw());
  }

  /** @internal The input in the form of the contract. */
  raw() {
    const number = (text) => this.#texts.intern(text);
    const objects = this.#objects && {
      names: this.#objects.map(({ name }) => number(name)),
      namespaces: this.#objects.map(({ namespace }) => number(namespace)),
      addresses: this.#objects.map(({ address }) => number(address)),
      labels: this.#labels(this.#objects.map(({ labels }) => labels)),
    };
    return {
      answers: this.#answers,
      objects: objects ?? null,
      scope: this.#namespace === undefined ? { tag: 'cluster' } : { tag: 'namespace', val: this.#namespace },
      now: this.#now,
      dictionary: this.#texts.raw(),
    };
  }

  #data(kind, result) {
    switch (kind) {
      case 'vector': {
        const samples = result.map(({ value }) => point(value));
        return {
          tag: 'vector',
          val: {
            labels: this.#labels(result.map(({ metric }) => metric)),
            times: samples.map(({ time }) => time),
            values: samples.map(({ value }) => value),
          },
        };
      }
      case 'matrix': {
        const series = result.map(({ values }) => values.map(point)), samples = series.flat();
        let end = 0;
        return {
          tag: 'matrix',
          val: {
            labels: this.#labels(result.map(({ metric }) => metric)),
            ends: series.map(({ length }) => (end += length)),
            times: samples.map(({ time }) => time),
            values: samples.map(({ value }) => value),
          },
        };
      }
      case 'scalar':
        return { tag: 'scalar', val: point(result) };
      case 'string':
        return { tag: 'text', val: { time: Math.round(result[0] * 1000), text: this.#texts.intern(result[1]) } };
      default:
        throw new Error(`unknown resultType "${kind}"`);
    }
  }

  #labels(rows) {
    const columns = new Map();
    rows.forEach((labels, row) => {
      for (const name of Object.keys(labels).sort(compare)) {
        const of = this.#texts.intern(name);
        if (!columns.has(of)) columns.set(of, new Array(rows.length).fill(0));
        columns.get(of)[row] = this.#texts.intern(labels[name]);
      }
    });
    return { names: [...columns.keys()], rows: rows.length, cells: [...columns.values()].flat() };
  }
}

const WORDS = { nan: NaN, inf: Infinity, infinity: Infinity };

function point([time, text]) {
  const [, sign, word] = /^([+-]?)(.*)$/s.exec(text);
  const size = WORDS[word.toLowerCase()] ?? (/^[0-9.]/.test(word) ? Number(word) : NaN);
  if (Number.isNaN(size) && word.toLowerCase() !== 'nan') throw new Error(`the sample value "${text}" is not a number`);
  return { time: Math.round(time * 1000), value: sign === '-' ? -size : size };
}
