// What the runner of fixtures tells `leadsman plugin test`.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { Measures, definePlugin } from 'leadsman-plugin';
import { checkFixture } from 'leadsman-plugin/testing';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'leadsman-plugin-'));
after(() => rmSync(folder, { recursive: true }));

test('each fixture is a line of the report', () => {
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/leadsman-plugin'));
  mkdirSync(join(folder, 'fixtures'));
  const measures = [{ object: 'a', value: 1, time: 2 }];
  for (const [name, expect] of Object.entries({ right: measures, wrong: [] })) {
    writeFileSync(join(folder, 'fixtures', `${name}.json`), JSON.stringify({ namespace: 'd', expect: { measures: expect } }));
  }
  writeFileSync(join(folder, 'plugin.test.mjs'), `
    import { Measures, definePlugin } from 'leadsman-plugin';
    import { fixtures } from 'leadsman-plugin/testing';
    fixtures(definePlugin({ name: 'one', evaluate: () => new Measures().add('a', 1, { time: 2000 }) }), 'fixtures');
  `);
  const report = join(folder, 'report');
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined, LEADSMAN_FIXTURE_REPORT: report };
  assert.throws(() => execFileSync('node', ['--test', 'plugin.test.mjs'], { cwd: folder, env, stdio: 'pipe' }));
  const [right, wrong] = readFileSync(report, 'utf8').trim().split('\n').map((line) => JSON.parse(line));
  assert.deepEqual(right, { fixture: 'right', reason: null, found: null });
  assert.equal(wrong.fixture, 'wrong');
  assert.match(wrong.reason, /^expected \[\]/);
  const [{ object, value, time }] = wrong.found.measures;
  assert.deepEqual({ object, value, time }, measures[0]);
});

test('the namespace of a fixture may be left out', () => {
  const plugin = definePlugin({ name: 'named', evaluate: () => new Measures().add('a', 1, { namespace: 'd' }) });
  const check = (namespace) => checkFixture(plugin, {
    namespace: 'd', expect: { measures: [{ object: 'a', value: 1, ...namespace }] },
  });
  check({});
  check({ namespace: 'd' });
  assert.throws(() => check({ namespace: 'e' }));
});

test('a fixture may have what is served', () => {
  for (const [value, served] of [[1 / 3, 0.333], [2 / 3, 0.666], [-2 / 3, -0.666], [0.029, 0.029], [0.0001, 0.001], [-0.0001, -0.001], [0, 0], [12, 12]]) {
    const plugin = definePlugin({ name: 'one', evaluate: () => new Measures().add('a', value) });
    const check = (expected) => checkFixture(plugin, { namespace: 'd', expect: { measures: [{ object: 'a', value: expected }] } });
    check(served);
    assert.throws(() => check(served + 0.001), `${value}`);
  }
});
