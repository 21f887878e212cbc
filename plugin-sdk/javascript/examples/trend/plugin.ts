// Where a value will be: a line through the last minutes of it. The plugin brings its query.

import { Fault, Measures, Query, Targets, definePlugin, refuse, t } from 'leadsman-plugin';

export default definePlugin({
  name: 'trend',
  about: 'What a value will be soon, by a line through its last minutes',
  config: {
    promql: t.string().describe('What is asked, with ${namespace} and ${selector} as in a mapping.'),
    object: t.objectSource().optional().describe('The label with the name of the object, or a fixed object.'),
    over: t.duration().default('10m').describe('The time that the line goes through.'),
    ahead: t.duration().default('2m').describe('How far ahead the value is.'),
  },

  plan({ promql, object, over }, context) {
    refuse(
      context.objectFits(object !== undefined),
      context.queries.length > 0 && new Fault('', 'this plugin brings its query, so that the mapping has none'),
      over < 60_000 && new Fault('/over', 'must be a minute or more'),
    );
    return { queries: [Query.range('history', promql, { duration: over, step: '30s' })] };
  },

  evaluate(input, { object, ahead }) {
    const history = input.answer('history');
    const targets = new Targets(history, object);
    const measures = new Measures();
    for (const range of history.ranges) {
      const target = targets.of(range), { times, values } = range;
      const last = times.at(-1);
      if (target === undefined || last === undefined || values.length < 2) continue;
      measures.add(target, line(times, values, last + ahead), { time: last });
    }
    return measures;
  },
});

/** The line with the least squares of errors, at a time. */
function line(times: number[], values: number[], at: number): number {
  const mean = (list: number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  const [t0, v0] = [mean(times), mean(values)];
  const rise = times.reduce((sum, time, i) => sum + (time - t0) * (values[i]! - v0), 0);
  const run = times.reduce((sum, time) => sum + (time - t0) ** 2, 0);
  return v0 + (rise / run) * (at - t0);
}
