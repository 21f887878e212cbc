// What a series is for, where plugins put several series, or series of a range, together themselves.

import { ObjectFinder, compare } from './objects.js';

/** An item of an external metric, by its labels in the order of their names. */
class Item {
  constructor(input, numbers) {
    /** @internal */ this.input = input;
    /** @internal */ this.numbers = numbers;
  }

  get labels() {
    const { texts } = this.input;
    const found = {};
    for (let at = 0; at < this.numbers.length; at += 2) {
      found[texts.get(this.numbers[at])] = texts.get(this.numbers[at + 1]);
    }
    return found;
  }

  get key() {
    return this.numbers.join();
  }

  called() {
    const labels = Object.entries(this.labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
    return `the item {${labels.join(', ')}}`;
  }

  /** @internal */
  addTo(measures, value, time, window) {
    return measures.addNumbered(this.numbers, value, time, window);
  }
}

/** Finds what the series of an answer are for, by the rules of `byObject` for objects. */
export class Targets {
  #objects;
  #without;
  #input;
  #order;

  constructor(answer, source, { namespace, without = [] } = {}) {
    this.#input = answer.input;
    if (source !== undefined) {
      this.#objects = new ObjectFinder(answer, source, namespace);
      return;
    }
    this.#without = new Set(['__name__', ...without]);
    const { texts } = answer.input;
    // The columns that tell items apart, in the order of their names, found once.
    const names = answer.table === undefined ? [] : answer.table.names.map((number, at) => ({ number, at, name: texts.get(number) }));
    this.#order = names.filter(({ name }) => !this.#without.has(name)).sort((a, b) => compare(a.name, b.name));
  }

  /** The item without labels, as a scalar is. */
  none() {
    return new Item(this.#input, []);
  }

  of(series) {
    if (this.#objects !== undefined) return this.#objects.object(series);
    const numbers = [], { rows, cells } = series.answer.table;
    for (const { number, at } of this.#order) {
      const value = cells[at * rows + series.row];
      if (value) numbers.push(number, value);
    }
    return new Item(this.#input, numbers);
  }
}
