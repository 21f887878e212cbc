import { Measures, definePlugin, objectKey, refuse, t } from 'leadsman-plugin';

// {{About}}.
export default definePlugin({
  config: {
    label: t.string().default('app').describe('The label that series and pods have in common.'),
  },

  // Checks the mapping when it is loaded, so that a wrong one is told of at once, and asks for the pods
  // that exist, with the one label that is needed.
  plan({ label }, context) {
    refuse(context.servedIn('custom'), context.onlyInstant());
    return { objects: { labels: [label] } };
  },

  evaluate(input, { label }) {
    const pods = new Map();
    for (const pod of input.objects) {
      const app = pod.label(label);
      if (!pods.has(app)) pods.set(app, []);
      pods.get(app).push(objectKey(pod));
    }
    const measures = new Measures();
    for (const backlog of input.only().series) {
      const ofApp = pods.get(backlog.require(label)) ?? [];
      for (const pod of ofApp) {
        measures.add(pod, backlog.value / ofApp.length, { time: backlog.time });
      }
    }
    return measures;
  },
});
