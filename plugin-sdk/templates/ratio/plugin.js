import { Measures, byObject, definePlugin, refuse, t } from 'leadsman-plugin';

// {{About}}, of two queries of the mapping.
export default definePlugin({
  config: {
    floor: t.number({ above: 0 }).default(1)
      .describe('The least that is divided by. Keeps a ratio of few requests from jumping.'),
  },

  // Checks the mapping when it is loaded, so that a wrong one is told of at once.
  plan(_, context) {
    refuse(context.servedIn('custom'), context.instant('errors'), context.instant('requests'));
  },

  evaluate(input, { floor }) {
    const errors = byObject(input.answer('errors'), 'pod');
    const measures = new Measures();
    for (const requests of byObject(input.answer('requests'), 'pod')) {
      // Not 0: Prometheus may have lost the series. `or` in the query of errors says what is none.
      const failed = errors.get(requests.object);
      if (failed === undefined) continue;
      const time = Math.min(failed.time, requests.time);
      measures.add(requests.object, failed.value / Math.max(requests.value, floor), { time });
    }
    return measures;
  },
});
