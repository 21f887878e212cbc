// The value of each address, for the pod that has it: objects with their addresses and a label.

import { Failure, type KubeObject, Measures, definePlugin, refuse, t } from 'leadsman-plugin';

export default definePlugin({
  name: 'by-address',
  about: 'A value for the pod with the address that a series has',
  config: {
    label: t.string().default('address').describe('The label of a series with the address of a pod.'),
    onlyWith: t.string().optional().describe('A label that pods must have: others have no value.'),
  },

  plan({ onlyWith }, context) {
    refuse(context.servedIn('custom'), context.onlyInstant());
    return { objects: { addresses: true, labels: onlyWith === undefined ? [] : [onlyWith] } };
  },

  evaluate(input, { label, onlyWith }) {
    const pods = new Map<string, KubeObject | null>();
    for (const pod of input.objects) {
      // Pods in the network of their node share its address: there is no saying which is meant.
      if (pod.address !== undefined) pods.set(pod.address, pods.has(pod.address) ? null : pod);
    }
    if (pods.size === 0 && input.objects.length > 0) {
      throw new Failure('the adapter does not know the address of any pod');
    }
    const measures = new Measures();
    for (const series of input.only().series) {
      const pod = pods.get(series.label(label) ?? '');
      if (!pod || (onlyWith !== undefined && pod.label(onlyWith) === undefined)) continue;
      measures.add(pod.name, series.value, { namespace: pod.namespace, time: series.time });
    }
    return measures;
  },
});
