// What plugins must not do, one of them by the configuration's key `does`. Each ends in a failure
// with the line that did it, or in a behaviour that is documented; none in silence.

import { Failure, type Input, Measures, definePlugin, log, t } from 'leadsman-plugin';

declare const require: any, fetch: any, setTimeout: any, Worker: any, process: any, crypto: any, performance: any;

// Taken before an evaluation.
const KEPT = Date;

const BEHAVIOURS = {
  failure: () => { throw new Failure('nothing is measured here', { query: 'q' }); },
  exception: () => { throw new Error('broken'); },
  'exception-of-the-engine': (input) => (input.answers[7] as any).series,
  'exception-that-is-none': () => { throw 'a text'; },
  files: (input) => require(input.only().series[0]!.label('v')).readFileSync('/etc/passwd'),
  environment: () => process.env.HOME,
  network: () => fetch('http://example.com'),
  timers: () => setTimeout(() => {}, 1),
  threads: () => new Worker('worker.js'),
  'random-of-crypto': () => crypto.getRandomValues(new Uint8Array(4)),
  'no-number': (input) => { new Measures().add('a', input.only().series[0]!.label('v') as any); },
  'no-name': () => { new Measures().add(7 as any, 1); },
  promise: () => Promise.resolve(new Measures()),
  'no-measures': () => ({ a: 1 }),
  memory: () => { const all = []; for (;;) all.push(new Float64Array(100_000)); },
  loop: () => { for (;;); },
  recursion: () => { const deeper = (n: number): number => 1 + deeper(n + 1); return deeper(0); },
  // What follows is measured: a fixed behaviour.
  clock: (input) => measured(Date.now() - input.now),
  'clock-of-a-date': (input) => measured(new Date().getTime() - input.now),
  'clock-of-performance': () => measured(performance.now()),
  random: () => { const first = Math.random(); return measured(first >= 0 && first < 1 ? 1 : 0); },
  print: () => { console.log('printed', { a: 1 }); log.info('logged'); return measured(1); },
  'many-lines': () => { for (let line = 0; line < 200; line++) console.log('line', line); return measured(1); },
  'texts-that-are-half': () => { log.info('half \ud800'); throw new Failure('half \ud800 and \u0000'); },
  'clock-that-was-kept': (input) => measured(KEPT.now() - input.now + (new KEPT(0) instanceof Date ? 0 : 1)),
  texts: () => new Measures().add('größe-\u{1f600}', 1).add('half-\ud800', 2),
  eval: () => measured(new Function('return 1 + 1')()),
} satisfies Record<string, (input: Input) => unknown>;

function measured(value: number): Measures {
  return new Measures().add('a', value);
}

export default definePlugin({
  name: 'hostile',
  about: 'What plugins must not do',
  config: { does: t.oneOf(...(Object.keys(BEHAVIOURS) as (keyof typeof BEHAVIOURS)[])) },
  evaluate: (input, { does }) => (BEHAVIOURS[does] as (input: Input) => Measures)(input),
});
