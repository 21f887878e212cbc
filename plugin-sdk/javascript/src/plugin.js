// A plugin as the adapter sees it: JSON configuration in, columns in, columns out.

import { object } from './config.js';
import { Context } from './context.js';
import { Failure, Fault, Faults } from './failure.js';
import { Input } from './input.js';
import { Measures } from './measures.js';
import { explained } from './place.js';
import { Query } from './query.js';
import { wellFormed } from './text.js';

/** What `definePlugin` makes of a function. */
export class Plugin {
  #config;
  #plan;
  #evaluate;

  /** @internal */
  constructor({ name, version, about, config = {}, plan, evaluate }) {
    if (typeof evaluate !== 'function') throw new TypeError('a plugin needs a function `evaluate`');
    this.name = name;
    this.version = version;
    this.about = about;
    this.#config = typeof config.read === 'function' ? config : object(config);
    this.#plan = plan;
    this.#evaluate = evaluate;
  }

  get schema() {
    return { $schema: 'https://json-schema.org/draft/2020-12/schema', ...this.#config.json };
  }

  /** Checks a configuration, given as JSON, with the mapping around it. Throws `Faults`. */
  plan(config, context) {
    const parsed = this.#parse(config);
    if (this.#plan === undefined) return {};
    const plan = sync(this.#plan(parsed, context), 'plan') ?? {};
    if (!Array.isArray(plan.queries ?? []) || !(plan.queries ?? []).every((query) => query instanceof Query)) {
      throw new TypeError('the `queries` of a plan are a list of `Query`');
    }
    return plan;
  }

  /** Evaluates. Throws a `Failure`, or what the plugin threw. */
  run(config, input) {
    let parsed;
    try {
      parsed = this.#parse(config);
    } catch (error) {
      throw error instanceof Faults ? new Failure(error.message) : error;
    }
    const measures = sync(this.#evaluate(input, parsed), 'evaluate');
    if (!(measures instanceof Measures)) throw new TypeError('`evaluate` returned no `Measures`');
    return measures;
  }

  #parse(config) {
    const faults = [];
    let json;
    try {
      json = JSON.parse(config);
    } catch (error) {
      throw new Faults([new Fault('', `is not JSON: ${error.message}`)]);
    }
    const read = this.#config.read(json, '', faults);
    if (faults.length > 0) throw new Faults(faults);
    return read;
  }

  /** @internal The exports of the contract. What they throw is the error of their result. */
  exports({ name, version, about, explain = explained }) {
    const message = (error) => (error instanceof Failure ? error.message : explain(error));
    return {
      describe: () => ({
        name: wellFormed(this.name ?? name),
        version: wellFormed(this.version ?? version),
        about: wellFormed(this.about ?? about),
        configSchema: JSON.stringify(this.schema),
      }),
      configure: (config, context) => {
        try {
          return rawPlan(this.plan(config, Context.ofRaw(context)));
        } catch (error) {
          const faults = error instanceof Faults ? error.faults : [new Fault('', message(error))];
          throw faults.map(({ path, message }) => ({ path: wellFormed(path), message: wellFormed(message) }));
        }
      },
      evaluate: (config, raw) => {
        try {
          const input = new Input(raw);
          return this.run(config, input).raw(input);
        } catch (error) {
          throw { message: wellFormed(message(error)), query: error?.query === undefined ? null : wellFormed(error.query) };
        }
      },
    };
  }
}

function rawPlan({ queries = [], objects }) {
  const columns = objects === true ? {} : objects;
  return {
    queries: queries.map((query) => query.raw()),
    objects: columns
      ? { labels: columns.labels?.map(wellFormed) ?? (columns.addresses ? [] : null), addresses: columns.addresses === true }
      : null,
  };
}

function sync(result, title) {
  if (typeof result?.then !== 'function') return result;
  throw new TypeError(`\`${title}\` returned a promise: plugins wait for nothing, so write it without async`);
}

/** Makes a function the plugin of this package. */
export function definePlugin(definition) {
  return new Plugin(definition);
}
