// What the types promise: checked by `npm run check`, never run.

import { Measures, definePlugin, t } from 'leadsman-plugin';
import { InputBuilder } from 'leadsman-plugin/testing';

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false;
const is = <T extends true>(): T => true as T;

definePlugin({
  config: {
    workers: t.integer({ above: 0 }),
    floor: t.number().optional(),
    mode: t.oneOf('a', 'b').default('a'),
    over: t.duration().default('5m'),
    object: t.objectSource().optional(),
    nested: t.array(t.object({ name: t.string(), at: t.number().optional() })),
  },
  evaluate(input, config) {
    is<Same<typeof config.workers, number>>();
    is<Same<typeof config.floor, number | undefined>>();
    is<Same<typeof config.mode, 'a' | 'b'>>();
    is<Same<typeof config.over, number>>();
    is<Same<(typeof config.nested)[number]['name'], string>>();
    // @ts-expect-error there is no such key
    config.other;
    // @ts-expect-error a value is a number
    return new Measures().add('pod', '1');
  },
});

// @ts-expect-error a plugin returns measures
definePlugin({ evaluate: () => 1 });
// @ts-expect-error only an evaluation makes series
new InputBuilder().finish().answers[0]!.series.push(1);
