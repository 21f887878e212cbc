// The types of a configuration: each reads a value, says what is wrong with it, and has a JSON schema.

import { parseDuration } from './duration.js';
import { Fault } from './failure.js';

/** What a key of a configuration is. */
class Type {
  constructor(schema, read, settings = {}) {
    /** @internal */ this.schema = schema;
    /** @internal Gives the value; pushes faults for what is wrong with it. */ this.read = read;
    /** @internal */ this.settings = settings;
  }

  #with(settings) {
    return new Type(this.schema, this.read, { ...this.settings, ...settings });
  }

  optional() {
    return this.#with({ optional: true });
  }

  default(value) {
    return this.#with({ optional: true, default: value });
  }

  describe(text) {
    return this.#with({ description: text });
  }

  /** @internal */
  get json() {
    const { description, optional, default: value } = this.settings;
    const json = { ...(description === undefined ? {} : { description }), ...this.schema };
    if (optional && value === undefined) return nullable(json);
    return value === undefined ? json : { ...json, default: value };
  }
}

/** A key that is null counts as left out, as in the shipped plugins. */
function nullable({ description, ...schema }) {
  const described = description === undefined ? {} : { description };
  if (typeof schema.type === 'string' && schema.enum === undefined) return { ...described, ...schema, type: [schema.type, 'null'] };
  return { ...described, anyOf: [schema, { type: 'null' }] };
}

function wrong(expected) {
  return (value, path, faults) => {
    faults.push(new Fault(path, `must be ${expected}, and is ${shown(value)}`));
    return undefined;
  };
}

function shown(value) {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

const of = (schema, expected, fits) => {
  const refuse = wrong(expected);
  return new Type(schema, (value, path, faults) => (fits(value) ? value : refuse(value, path, faults)));
};

/** Any text. */
export const string = () => of({ type: 'string' }, 'a text', (value) => typeof value === 'string');

/** True or false. */
export const boolean = () => of({ type: 'boolean' }, 'true or false', (value) => typeof value === 'boolean');

function bounded(type, expected, isOne, bounds) {
  const { minimum, maximum, above, below } = bounds;
  const limits = [
    [minimum, 'minimum', 'at least', (value) => value >= minimum],
    [maximum, 'maximum', 'at most', (value) => value <= maximum],
    [above, 'exclusiveMinimum', 'above', (value) => value > above],
    [below, 'exclusiveMaximum', 'below', (value) => value < below],
  ].filter(([limit]) => limit !== undefined);
  const schema = { type, ...Object.fromEntries(limits.map(([limit, keyword]) => [keyword, limit])) };
  const words = limits.map(([limit, , word]) => `${word} ${limit}`).join(' and ');
  return of(schema, words === '' ? expected : `${expected} ${words}`, (value) => isOne(value) && limits.every(([, , , holds]) => holds(value)));
}

/** A number; with `{minimum, maximum, above, below}` one within these bounds. */
export const number = (bounds = {}) => bounded('number', 'a number', (value) => typeof value === 'number' && Number.isFinite(value), bounds);

/** A whole number, with bounds as `number` has them. */
export const integer = (bounds = {}) => bounded('integer', 'a whole number', (value) => Number.isSafeInteger(value), bounds);

/** One of these texts. */
export const oneOf = (...texts) => of({ type: 'string', enum: texts }, `one of ${texts.join(', ')}`, (value) => texts.includes(value));

/** A list. */
export const array = (item) => new Type({ type: 'array', items: item.json }, (value, path, faults) => {
  if (!Array.isArray(value)) return wrong('a list')(value, path, faults);
  return value.map((one, at) => item.read(one, `${path}/${at}`, faults));
});

/** An object with any keys, and values of one type. */
export const record = (item) => new Type({ type: 'object', additionalProperties: item.json }, (value, path, faults) => {
  if (!isObject(value)) return wrong('an object')(value, path, faults);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, item.read(one, `${path}/${escaped(key)}`, faults)]));
});

/** An object with these keys and no others. */
export const object = (keys) => {
  const entries = Object.entries(keys);
  const required = entries.filter(([, type]) => !type.settings.optional).map(([key]) => key);
  const schema = {
    type: 'object',
    properties: Object.fromEntries(entries.map(([key, type]) => [key, type.json])),
    ...(required.length > 0 ? { required } : {}),
    additionalProperties: false,
  };
  return new Type(schema, (value, path, faults) => {
    if (!isObject(value)) return wrong('an object')(value, path, faults);
    for (const key of Object.keys(value)) {
      if (!Object.hasOwn(keys, key)) {
        const known = entries.map(([name]) => name).join(', ') || 'no keys';
        faults.push(new Fault(`${path}/${escaped(key)}`, `unknown key; there are: ${known}`));
      }
    }
    const read = {};
    for (const [key, type] of entries) {
      const given = Object.hasOwn(value, key) ? value[key] : undefined;
      const isLeftOut = given === undefined || (given === null && type.settings.optional && type.settings.default === undefined);
      if (!isLeftOut) read[key] = type.read(given, `${path}/${escaped(key)}`, faults);
      else if (type.settings.default !== undefined) read[key] = type.read(structured(type.settings.default), `${path}/${escaped(key)}`, faults);
      else if (!type.settings.optional) faults.push(new Fault(path, `the key "${key}" is missing`));
    }
    return read;
  });
};

/** The first of these types that a value fits. */
export const union = (...types) => new Type({ anyOf: types.map((type) => type.json) }, (value, path, faults) => {
  for (const type of types) {
    const own = [], read = type.read(value, path, own);
    if (own.length === 0) return read;
  }
  return wrong('what the schema says')(value, path, faults);
});

/** A duration such as 1m30s, which is read as milliseconds. */
export const duration = () => new Type({ type: 'string', pattern: '^\\s*([0-9]+(ms|s|m|h|d|w))+\\s*$' }, (value, path, faults) => {
  try {
    if (typeof value === 'string') return parseDuration(value);
  } catch { /* told below */ }
  return wrong('a duration such as 30s, 1m30s, 2h or 7d')(value, path, faults);
});

/** Which object a series stands for: the label with its name, or the same object for all. */
export const objectSource = () => {
  const label = string().describe("The label that holds the object's name.");
  const fixed = object({
    name: string().describe("The object's name."),
    namespace: string().optional().describe("The object's namespace. Left out for the namespace that the read is for."),
  });
  const schema = { anyOf: [label.json, { description: 'The same object for every series.', ...fixed.json }] };
  return new Type(schema, (value, path, faults) => {
    const own = [], read = typeof value === 'string' ? value : fixed.read(value, path, own);
    return own.length === 0 ? read : wrong('a label, or an object with name and namespace')(value, path, faults);
  });
};

/** What to do when several series meet one object. */
export const combine = () => oneOf('fail', 'sum', 'max', 'min', 'average', 'omit', 'first');

function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function escaped(key) {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** A default of its own for each configuration, so that none changes another's. */
function structured(value) {
  return typeof value === 'object' && value !== null ? JSON.parse(JSON.stringify(value)) : value;
}
