import { Fault, Measures, Targets, definePlugin, refuse, t } from 'leadsman-plugin';

// {{About}}.
export default definePlugin({
  config: {
    halfLife: t.duration().default('1m')
      .describe('A sample that is older by this counts half as much.'),
  },

  // Checks the mapping when it is loaded, so that a wrong one is told of at once.
  plan({ halfLife }, context) {
    refuse(
      context.servedIn('custom'),
      context.onlyRange(),
      halfLife <= 0 && new Fault('/halfLife', 'must be above 0s'),
    );
  },

  evaluate(input, { halfLife }) {
    const history = input.only();
    const targets = new Targets(history, 'pod');
    const measures = new Measures();
    for (const range of history.ranges) {
      const target = targets.of(range), { samples } = range;
      const first = samples.at(0), last = samples.at(-1);
      if (target === undefined || first === undefined || last === undefined) continue;
      let sum = 0, weights = 0;
      for (const { time, value } of samples) {
        const weight = 2 ** (-(last.time - time) / halfLife);
        sum += weight * value;
        weights += weight;
      }
      measures.add(target, sum / weights, { time: last.time, window: last.time - first.time });
    }
    return measures;
  },
});
