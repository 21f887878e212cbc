// Fixtures: an evaluation written down as JSON, in the form of every SDK of Leadsman.

import { isDeepStrictEqual } from 'node:util';

import { Context } from '../context.js';
import { Failure, Faults } from '../failure.js';
import { compare } from '../objects.js';
import { explained } from '../place.js';
import { InputBuilder } from './build.js';

const KEYS = ['serve', 'config', 'namespace', 'now', 'queries', 'asked', 'brings', 'resource', 'objects', 'expect'];
const OBJECT_KEYS = ['namespace', 'name', 'labels', 'address'];
const MEASURE_KEYS = ['object', 'namespace', 'value', 'time', 'window', 'labels'];
const EXPECTED = ['measures', 'failure', 'faults'];

/** A result that is not the expected one. */
class Difference extends Error {
  constructor(message, found, options) {
    super(message, options);
    // What came, in the form of `expect`.
    this.found = found;
  }
}

/** Runs a fixture against a plugin. Throws an error that says what differs. */
export function checkFixture(plugin, fixture) {
  checkForm(fixture);
  const { expect } = fixture;
  const config = JSON.stringify(fixture.config ?? {});
  const plan = planned(plugin, config, context(fixture));
  if (expect.faults !== undefined) {
    if (plan.faults === undefined) throw new Error('the configuration was accepted');
    return same('faults', expect.faults, plan.faults.map(({ path }) => path));
  }
  if (plan.faults !== undefined) {
    throw new Difference(`the configuration was refused: ${plan.faults.join('; ')}`, { faults: plan.faults.map(({ path }) => path) });
  }
  if (fixture.brings) {
    same(undefined, fixture.brings, Object.fromEntries((plan.queries ?? []).map(({ name, keys }) => [name, keys])));
  }
  const input = inputOf(fixture);
  let measures;
  try {
    measures = plugin.run(config, input);
  } catch (error) {
    const failure = error instanceof Failure ? String(error) : explained(error);
    if (expect.failure === undefined) throw new Difference(`failed: ${failure}`, { failure }, { cause: error });
    if (failure.includes(expect.failure)) return undefined;
    const reason = `the failure ${JSON.stringify(failure)} does not contain ${JSON.stringify(expect.failure)}`;
    throw new Difference(reason, { failure }, { cause: error });
  }
  measures.raw(input); // what cannot be handed over must not pass
  const rows = measures.rows(input);
  const seconds = (time) => (time === undefined ? undefined : time / 1000);
  // The namespace of the fixture may be left out.
  const own = ({ namespace, ...rest }) => row({ ...rest, namespace: namespace === fixture.namespace ? undefined : namespace });
  const found = ordered(rows.map((one) => own({ ...one, time: seconds(one.time) })));
  if (expect.failure !== undefined) throw new Difference(`expected a failure, found ${JSON.stringify(rows)}`, { measures: found });
  const expected = ordered(expect.measures.map(own));
  found.forEach((one, at) => {
    // A fixture may have what is served, as `--bless` writes it.
    if (served(one.value) === expected[at]?.value) one.value = expected[at].value;
  });
  return same('measures', expected, found);
}

/** A value as the adapter serves it: cut off at thousandths, and never 0 unless it is. */
function served(value) {
  const exact = value * 1000, rounded = Math.sign(exact) * Math.round(Math.abs(exact));
  // A rounding error of the multiplication does not lose a thousandth.
  const isRounded = Math.abs(exact - rounded) <= Math.abs(rounded) * 2 * Number.EPSILON;
  const milli = isRounded ? rounded : Math.trunc(exact);
  return milli === 0 && value !== 0 ? Math.sign(value) / 1000 : milli / 1000;
}

function checkForm(fixture) {
  known(fixture, KEYS, 'the fixture');
  for (const object of fixture.objects ?? []) known(object, OBJECT_KEYS, 'an object');
  known(fixture.expect ?? {}, EXPECTED, 'expect');
  if (Object.keys(fixture.expect ?? {}).length !== 1) {
    throw new Error('`expect` is one of measures, failure and faults');
  }
  for (const measure of fixture.expect.measures ?? []) known(measure, MEASURE_KEYS, 'a measure');
  if (!['custom', 'external', undefined].includes(fixture.serve)) throw new Error('`serve` is custom or external');
}

function known(object, keys, title) {
  const other = Object.keys(object).find((key) => !keys.includes(key));
  if (other !== undefined) throw new Error(`${title} has the key "${other}"; there are: ${keys.join(', ')}`);
}

function planned(plugin, config, mapping) {
  try {
    return plugin.plan(config, mapping);
  } catch (error) {
    if (error instanceof Faults) return { faults: error.faults };
    throw error;
  }
}

function context(fixture) {
  const brought = Object.keys(fixture.brings ?? {});
  const queries = Object.entries(fixture.queries ?? {})
    .filter(([name]) => !brought.includes(name))
    .sort(([a], [b]) => compare(a, b))
    .map(([name, answer]) => ({
      name,
      range: (answer.data ?? answer).resultType === 'matrix',
      written: fixture.asked?.[name] ?? null,
    }));
  if (fixture.serve === 'external') return new Context({ api: 'external', queries });
  return new Context({ api: 'custom', servedFor: resource(fixture), queries });
}

/** What the metric is served for, where it matters to no one: pods, or nodes where no measure has a namespace. */
function resource({ resource: named, namespace, expect }) {
  const ofNone = expect.measures?.every((measure) => measure.namespace == null) ?? false;
  return named ?? (namespace == null && ofNone ? 'nodes' : 'pods');
}

function inputOf({ namespace, now = 0, queries = {}, objects = [] }) {
  const builder = new InputBuilder().now(Math.round(now * 1000));
  if (namespace != null) builder.namespace(namespace);
  for (const [name, answer] of Object.entries(queries).sort(([a], [b]) => compare(a, b))) {
    try {
      builder.answer(name, answer);
    } catch (error) {
      throw new Error(`query "${name}": ${error.message}`, { cause: error });
    }
  }
  for (const { name, ...rest } of objects) builder.object(name, rest);
  return builder.finish();
}

/** A measure with all of its keys, whether they were written or not. */
function row({ object = '', namespace, value, time, window, labels = {} }) {
  return { object, namespace: namespace ?? null, value, time: time ?? null, window: window ?? null, labels };
}

function ordered(rows) {
  const labels = (of) => JSON.stringify(Object.entries(of.labels).sort(([a], [b]) => compare(a, b)));
  return rows.sort((a, b) => compare(a.namespace ?? '', b.namespace ?? '')
    || compare(a.object, b.object)
    || compare(labels(a), labels(b)));
}

function same(kind, expected, found) {
  if (isDeepStrictEqual(expected, found)) return;
  const reason = `\n  expected ${JSON.stringify(expected)}\n  found    ${JSON.stringify(found)}`;
  throw kind === undefined ? new Error(reason) : new Difference(reason, { [kind]: found });
}
