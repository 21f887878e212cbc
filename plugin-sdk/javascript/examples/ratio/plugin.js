// A ratio of two queries: busy to total, errors to requests.

import { Fault, Measures, Targets, byObject, definePlugin, refuse, t } from 'leadsman-plugin';

export default definePlugin({
  name: 'ratio',
  about: 'One query divided by another',
  config: {
    numerator: t.string().default('numerator').describe('The name of the query above the line.'),
    denominator: t.string().default('denominator')
      .describe('The name of the query below the line. A scalar divides every series.'),
    object: t.objectSource().optional()
      .describe("The label with the object's name, or a fixed object. Left out for an external metric, whose series meet on equal labels."),
    namespace: t.string().optional()
      .describe("The label with the object's namespace, `namespace` by default. Read only when one evaluation serves all namespaces."),
    floor: t.number().optional()
      .describe('The least that is divided by: a smaller denominator counts as this.'),
    combine: t.combine().default('fail').describe('What to do when several series of one query meet one object.'),
    withoutNumerator: t.oneOf('omit', 'zero').default('omit')
      .describe('What stands above the line where only the denominator has a series: no value, or 0.'),
  },

  plan(config, context) {
    refuse(
      context.objectFits(config.object !== undefined),
      context.instant(config.numerator),
      context.instant(config.denominator),
      config.floor <= 0 && new Fault('/floor', 'must be a number above 0'),
      config.numerator === config.denominator && new Fault('/denominator', 'is the same query as the numerator'),
    );
  },

  evaluate(input, config) {
    const above = input.answer(config.numerator), below = input.answer(config.denominator);
    const values = (answer) => (config.object === undefined ? items(answer) : byObject(answer, config.object, config));
    const parts = values(above), measures = new Measures();
    const add = (target, part, total) => {
      const value = divided(config, part.value, total.value);
      if (value !== undefined) measures.add(target, value, { time: Math.min(part.time, total.time) });
    };
    if (below.isScalar) {
      const total = below.scalar;
      for (const part of parts) add(part.object, part, total);
      return measures;
    }
    for (const total of values(below)) {
      const none = config.withoutNumerator === 'zero' ? { value: 0, time: total.time } : undefined;
      const part = parts.get(total.object) ?? none;
      if (part !== undefined) add(total.object, part, total);
    }
    return measures;
  },
});

/** The values of an answer by their labels, as `byObject` gives those of objects. */
function items(answer) {
  const targets = new Targets(answer, undefined), found = new Map();
  const put = (object, { value, time }) => found.set(object.key, { object, value, time });
  if (answer.isScalar) put(targets.none(), answer.scalar);
  else for (const series of answer.series) put(targets.of(series), series);
  return { get: (object) => found.get(object.key), [Symbol.iterator]: () => found.values() };
}

/** The quotient, or nothing where there is nothing to divide by. */
function divided({ floor }, part, total) {
  const by = total < floor ? floor : total;
  return by === 0 ? undefined : part / by;
}
