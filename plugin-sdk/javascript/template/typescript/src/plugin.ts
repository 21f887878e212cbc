import { Measures, byObject, definePlugin, refuse, t } from 'leadsman-plugin';

// Errors per request of each pod, of two queries of the mapping.
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
    for (const { object, value, time } of byObject(input.answer('requests'), 'pod')) {
      // Pods without errors have no series of errors.
      const failed = errors.get(object)?.value ?? 0;
      measures.add(object, failed / Math.max(value, floor), { time });
    }
    return measures;
  },
});
