// What a plugin returns: one measure per object, or per item of an external metric.

import { milliseconds } from './duration.js';
import { Interner } from './text.js';

/**
 * The measures of an evaluation, column by column. A name is a text, or the number of one of the
 * input, which passes through as it is.
 */
export class Measures {
  #objects = [];
  #values = [];
  #times = [];
  // By row, for those that have any.
  #namespaces = [];
  #windows = [];
  #labels = new Map();

  get length() {
    return this.#values.length;
  }

  add(object, value, measured) {
    if (typeof object === 'string') return this.row(object, measured?.namespace, value, measured?.time, measured?.window);
    if (typeof object?.addTo !== 'function') throw new TypeError(`the name of an object is ${told(object)}, and no text`);
    return object.addTo(this, value, measured?.time, measured?.window);
  }

  addItem(labels, value, measured) {
    const row = this.#values.length;
    this.row(0, undefined, value, measured?.time, measured?.window);
    for (const [name, text] of Symbol.iterator in labels ? labels : Object.entries(labels)) this.#label(row, name, text);
    return this;
  }

  /** @internal */
  addNumbered(numbers, value, time, window) {
    const row = this.#values.length;
    this.row(0, undefined, value, time, window);
    for (let at = 0; at < numbers.length; at += 2) this.#label(row, numbers[at], numbers[at + 1]);
    return this;
  }

  #label(row, name, text) {
    for (const one of [name, text]) {
      if (typeof one !== 'string' && typeof one !== 'number') throw new TypeError(`a label is ${told(one)}, and no text`);
    }
    let cells = this.#labels.get(name);
    if (cells === undefined) this.#labels.set(name, (cells = []));
    cells[row] = text;
  }

  /** @internal */
  row(object, namespace, value, time, window) {
    if (typeof value !== 'number') throw new TypeError(`the value is ${told(value)}, and no number`);
    if (time !== undefined && !isTime(time)) {
      throw new TypeError(`the time is ${told(time)}, and no whole number of milliseconds`);
    }
    const row = this.#values.push(value) - 1;
    this.#objects.push(object);
    this.#times.push(time);
    if (namespace) {
      if (typeof namespace === 'object') throw new TypeError(`a namespace is ${told(namespace)}, and no text`);
      this.#namespaces[row] = namespace;
    }
    if (window !== undefined) this.#windows[row] = seconds(window);
    return this;
  }

  rows(input) {
    const text = (name) => (typeof name === 'number' ? input.texts.get(name) : name);
    const filled = (name) => text(name ?? 0) || undefined;
    return this.#values.map((value, row) => ({
      object: text(this.#objects[row]),
      namespace: filled(this.#namespaces[row]),
      value,
      time: this.#times[row],
      window: this.#windows[row] || undefined,
      labels: Object.fromEntries([...this.#labels]
        .map(([name, cells]) => [text(name), filled(cells[row])])
        .filter(([, value]) => value !== undefined)),
    }));
  }

  /** @internal The columns in the form of the contract. */
  raw(input) {
    const own = new Interner(), shared = input.texts, first = shared.length;
    const rows = this.#values.length;
    const number = (name) => {
      if (typeof name === 'number') return name;
      if (name === '') return 0;
      return shared.known(name) ?? first + own.intern(name);
    };
    /** A column with a number for each row: 0 for those without a name. */
    const column = (names) => {
      const numbers = new Array(rows);
      for (let row = 0; row < rows; row++) {
        const name = names[row];
        numbers[row] = typeof name === 'number' ? name : name === undefined ? 0 : number(name);
      }
      return numbers;
    };
    const unlessEmpty = (numbers) => (numbers.some((one) => one !== 0) ? numbers : []);
    // A name may have come as a text and as a number: those are one label.
    const labels = new Map();
    for (const [name, cells] of this.#labels) {
      const of = number(name), filled = column(cells), known = labels.get(of);
      labels.set(of, known === undefined ? filled : known.map((cell, row) => cell || filled[row]));
    }
    const timed = this.#times.some((time) => time !== undefined);
    return {
      objects: unlessEmpty(column(this.#objects)),
      namespaces: this.#namespaces.length === 0 ? [] : unlessEmpty(column(this.#namespaces)),
      values: this.#values,
      times: timed ? this.#times.map((time) => time ?? input.now) : [],
      windows: this.#windows.length === 0 ? [] : unlessEmpty(column(this.#windows)),
      labels: { names: [...labels.keys()], rows, cells: [...labels.values()].flat() },
      dictionary: own.raw(),
    };
  }
}

/** Most rows come through here, and a call of the engine's own costs more than this. */
function isTime(time) {
  return typeof time === 'number' && time % 1 === 0 && time > -9e15 && time < 9e15;
}

function seconds(window) {
  return Math.min(Math.floor(milliseconds(window) / 1000), 0xffff_ffff);
}

function told(value) {
  if (value === null || value === undefined) return String(value);
  return typeof value === 'object' ? 'an object' : `the ${typeof value} ${JSON.stringify(String(value))}`;
}
