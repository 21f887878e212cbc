import { Measures, definePlugin, refuse, t } from 'leadsman-plugin';

// {{About}}.
export default definePlugin({
  config: {
    perSecond: t.number({ above: 0 }).describe('How many messages are handled in a second.'),
  },

  // Checks the mapping when it is loaded, so that a wrong one is told of at once.
  plan(_, context) {
    refuse(context.servedIn('external'), context.onlyInstant());
  },

  // An HPA selects items by their labels and adds them up.
  evaluate(input, { perSecond }) {
    const measures = new Measures();
    for (const messages of input.only().series) {
      const queue = messages.require('queue');
      measures.addItem({ queue }, messages.value / perSecond, { time: messages.time });
    }
    return measures;
  },
});
