// One value per object: a label of each series names its object.

import { Measures, byObject, definePlugin, log, refuse, t } from 'leadsman-plugin';

export default definePlugin({
  name: 'per-object',
  about: 'A value for each object that series name',
  config: {
    object: t.objectSource().describe("The label with the object's name, or a fixed object."),
    namespace: t.string().optional()
      .describe("The label with the object's namespace, `namespace` by default; empty for objects that live in none."),
    combine: t.combine().default('fail').describe('What to do when several series meet one object.'),
    unnamed: t.oneOf('fail', 'omit').default('fail').describe("What to do when no series has the object's label."),
  },

  plan(_, context) {
    refuse(context.servedIn('custom'), context.onlyInstant());
  },

  evaluate(input, { object, namespace, combine, unnamed }) {
    const answer = input.only();
    const isUnnamed = typeof object === 'string' && answer.series.length > 0 && answer.column(object) === undefined;
    if (unnamed === 'omit' && isUnnamed) {
      log.warn(`no series has the label "${object}" that names the object, so that no object has a value`);
      return new Measures();
    }
    return byObject(answer, object, { namespace, combine }).measures(new Measures());
  },
});
