// What a plugin is given: the answers of the mapping's queries, as typed series.

import { Failure } from './failure.js';
import { Dictionary, listed } from './text.js';

const KINDS = {
  vector: 'an instant vector',
  matrix: 'a range matrix',
  scalar: 'a scalar',
  text: 'a string',
};

/** Everything one evaluation is made from. */
export class Input {
  /** @internal */ texts;
  #objects;
  #rawObjects;

  /** @internal */
  constructor(raw) {
    this.texts = new Dictionary(raw.dictionary);
    this.namespace = raw.scope.tag === 'namespace' ? raw.scope.val : undefined;
    this.now = Number(raw.now);
    this.answers = raw.answers.map((answer) => new Answer(this, answer));
    this.#rawObjects = raw.objects ?? undefined;
  }

  answer(query) {
    const found = this.answers.find((answer) => answer.query === query);
    if (found === undefined) {
      const known = listed(this.answers.map((answer) => answer.query));
      throw new Failure(`the mapping has no query named "${query}"; it has ${known}`);
    }
    return found;
  }

  only() {
    if (this.answers.length !== 1) {
      throw new Failure(`this plugin works on one query, and the mapping has ${this.answers.length}`);
    }
    return this.answers[0];
  }

  get objects() {
    if (this.#objects === undefined) {
      const raw = this.#rawObjects;
      const table = raw === undefined ? undefined : new Table(this, raw.labels);
      this.#objects = raw === undefined ? [] : raw.names.map((_, row) => new KubeObject(this, raw, table, row));
    }
    return this.#objects;
  }
}

/** A label of an answer, found once for all of its series. */
export class Column {
  /** @internal */
  constructor(table, start) {
    this.table = table;
    this.start = start;
    this.cells = table.cells;
  }

  /** @internal The number of the text of a row; 0 where it is not set. */
  at(row) {
    return this.cells[this.start + row];
  }
}

/** The labels of a number of rows. */
class Table {
  #columns = new Map();

  constructor(input, { names, rows, cells }) {
    this.input = input;
    this.names = names;
    this.rows = rows;
    this.cells = cells;
  }

  column(name) {
    let column = this.#columns.get(name);
    if (column === undefined && !this.#columns.has(name)) {
      const number = this.input.texts.find(name, this.names);
      const at = number === undefined ? -1 : this.names.indexOf(number);
      column = at < 0 ? undefined : new Column(this, at * this.rows);
      this.#columns.set(name, column);
    }
    return column;
  }

  label(row, name) {
    return this.at(row, this.column(name));
  }

  at(row, column) {
    if (column === undefined) return undefined;
    if (column.table !== this) throw new Error('the column is one of another answer');
    const number = column.at(row);
    return number === 0 ? undefined : this.input.texts.get(number);
  }

  /** The numbers of names and values that are set, one after the other. */
  numbers(row) {
    const found = [];
    for (let column = 0; column < this.names.length; column++) {
      const value = this.cells[column * this.rows + row];
      if (value) found.push(this.names[column], value);
    }
    return found;
  }

  pairs(row) {
    const { texts } = this.input;
    const found = [];
    for (let column = 0; column < this.names.length; column++) {
      const value = this.cells[column * this.rows + row];
      if (value) found.push([texts.get(this.names[column]), texts.get(value)]);
    }
    return found;
  }
}

/** What one query was answered with. */
export class Answer {
  #series;
  #ranges;

  /** @internal */
  constructor(input, raw) {
    /** @internal */ this.input = input;
    this.query = raw.query;
    this.unit = raw.unit ?? undefined;
    this.warnings = raw.warnings;
    /** @internal */ this.data = raw.data.val;
    /** @internal */ this.kind = raw.data.tag;
    /** @internal */ this.table = this.data.labels === undefined ? undefined : new Table(input, this.data.labels);
  }

  get isScalar() {
    return this.kind === 'scalar';
  }

  /** @internal How many series there are, of either kind. */
  get rows() {
    return this.kind === 'vector' ? this.data.values.length : this.kind === 'matrix' ? this.data.ends.length : 0;
  }

  get series() {
    this.expect('vector');
    this.#series ??= Array.from(this.data.values, (_, row) => new Series(this, row));
    return this.#series;
  }

  get ranges() {
    this.expect('matrix');
    this.#ranges ??= Array.from(this.data.ends, (_, row) => new Range(this, row));
    return this.#ranges;
  }

  get scalar() {
    this.expect('scalar');
    return { time: Number(this.data.time), value: this.data.value };
  }

  get text() {
    this.expect('text');
    return this.input.texts.get(this.data.text);
  }

  column(name) {
    return this.table?.column(name);
  }

  /** @internal */
  expect(kind) {
    if (this.kind !== kind) {
      throw new Failure(`expected ${KINDS[kind]}, and the answer is ${KINDS[this.kind]}`, { query: this.query });
    }
  }
}

/** What series of both kinds have: labels. */
class Labelled {
  /** @internal */
  constructor(answer, row) {
    this.answer = answer;
    this.row = row;
  }

  label(name) {
    return this.answer.table.label(this.row, name);
  }

  at(column) {
    return this.answer.table.at(this.row, column);
  }

  require(name) {
    const value = this.label(name);
    if (value === undefined) {
      const present = this.labels.map(([label]) => label).join(', ') || 'no labels';
      throw new Failure(
        `a series has no label "${name}" (it has ${present}); keep the label in the query's by (…)`,
        { query: this.answer.query },
      );
    }
    return value;
  }

  get labels() {
    return this.answer.table.pairs(this.row);
  }
}

/** One series of an instant vector. */
export class Series extends Labelled {
  get value() {
    return this.answer.data.values[this.row];
  }

  get time() {
    return Number(this.answer.data.times[this.row]);
  }
}

/** One series of a range query. */
export class Range extends Labelled {
  #start() {
    return this.row === 0 ? 0 : this.answer.data.ends[this.row - 1];
  }

  get values() {
    const { ends, values } = this.answer.data;
    return Array.from(values.slice(this.#start(), ends[this.row]));
  }

  get times() {
    const { ends, times } = this.answer.data;
    return Array.from(times.slice(this.#start(), ends[this.row]), Number);
  }

  get samples() {
    const { times } = this;
    return this.values.map((value, at) => ({ time: times[at], value }));
  }
}

/** An object that exists in the scope. */
export class KubeObject {
  #raw;
  #table;
  #row;

  /** @internal */
  constructor(input, raw, table, row) {
    /** @internal */ this.input = input;
    this.#raw = raw;
    this.#table = table;
    this.#row = row;
  }

  #text(number) {
    return number ? this.input.texts.get(number) : undefined;
  }

  /** @internal */
  get numbers() {
    return { name: this.#raw.names[this.#row], namespace: this.#raw.namespaces[this.#row] };
  }

  get name() {
    return this.input.texts.get(this.#raw.names[this.#row]);
  }

  get namespace() {
    return this.#text(this.#raw.namespaces[this.#row]);
  }

  get address() {
    return this.#text(this.#raw.addresses[this.#row]);
  }

  label(name) {
    return this.#table.label(this.#row, name);
  }
}
