import { Measures, byObject, definePlugin, refuse, t } from 'leadsman-plugin';

// {{About}}.
export default definePlugin({
  config: {
    capacity: t.number({ above: 0 }).describe('How much a pod can do at once.'),
  },

  // Checks the mapping when it is loaded, so that a wrong one is told of at once.
  plan(_, context) {
    refuse(context.servedIn('custom'), context.onlyInstant());
  },

  // Several series of one pod are added.
  evaluate(input, { capacity }) {
    const measures = new Measures();
    for (const { object, value, time } of byObject(input.only(), 'pod', { combine: 'sum' })) {
      measures.add(object, value / capacity, { time });
    }
    return measures;
  },
});
