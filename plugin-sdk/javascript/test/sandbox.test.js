// Components in the sandbox of the adapter, with their fixtures: where LEADSMAN is the path of its binary.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { build } from '../build/build.js';

const { LEADSMAN } = process.env;
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const below = mkdtempSync(join(tmpdir(), 'leadsman-plugin-'));
after(() => rmSync(below, { recursive: true }));

/** What `leadsman plugin inspect` says of a plugin with the fixtures of a folder. */
async function inspected(file, fixtures) {
  const output = join(below, `${Math.random()}.wasm`);
  const { size } = await build({ file: here(file), output, fixtures: [here(fixtures)] });
  const begun = performance.now();
  try {
    return { said: execFileSync(LEADSMAN, ['plugin', 'inspect', output], { encoding: 'utf8' }), size, took: performance.now() - begun };
  } catch (error) {
    return { said: error.stdout, size };
  }
}

describe('in the sandbox', { skip: LEADSMAN === undefined && 'LEADSMAN names no binary' }, () => {
  const shared = (name) => `../../../plugins/${name}/fixtures`, own = (name) => `../examples/${name}/fixtures`;
  for (const [name, file, fixtures] of [
    ['ratio', 'plugin.js', shared('ratio')],
    ['per-object', 'plugin.ts', shared('per-object')],
    ['external', 'plugin.ts', shared('external')],
    ['by-address', 'plugin.ts', own('by-address')],
    ['trend', 'plugin.ts', own('trend')],
  ]) {
    test(`${name} passes its fixtures`, async (context) => {
      const { said, size, took } = await inspected(`../examples/${name}/${file}`, fixtures);
      assert.match(said, /^fixtures [0-9]+ passed$/m, said);
      assert.match(said, new RegExp(`^name     ${name}$`, 'm'));
      context.diagnostic(`${size} bytes, loaded and tested in ${Math.round(took)} ms`);
    });
  }

  test('what plugins must not do ends in words or a fixed behaviour', async () => {
    const { said } = await inspected('../tests/hostile/plugin.ts', '../tests/hostile/fixtures');
    const count = readdirSync(here('../tests/hostile/fixtures')).length;
    assert.match(said, new RegExp(`^fixtures ${count} passed$`, 'm'), said);
  });

  const ends = JSON.parse(readFileSync(here('../tests/hostile/ends.json'), 'utf8'));
  for (const [name, words] of Object.entries(ends)) {
    test(`${name} is ended by the adapter`, async () => {
      const folder = mkdtempSync(join(below, 'ends-'));
      writeFileSync(join(folder, `${name}.json`), readFileSync(here(`../tests/hostile/ends/${name}.json`)));
      const output = join(folder, 'out.wasm');
      await build({ file: here('../tests/hostile/plugin.ts'), output, fixtures: [folder] });
      const run = () => execFileSync(LEADSMAN, ['plugin', 'inspect', output], { encoding: 'utf8' });
      assert.throws(run, ({ stdout }) => stdout.includes(`its fixture "${name}": ${words}`));
    });
  }
});
