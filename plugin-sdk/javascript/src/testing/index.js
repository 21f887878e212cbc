// Tests of plugins: a folder of fixtures, each a test of `node --test`, and inputs for tests of one's own.

import { appendFileSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { checkFixture } from './fixture.js';

export { InputBuilder } from './build.js';
export { checkFixture };

/** Makes a test of each `*.json` of a folder: a path, or a URL such as `new URL('fixtures', import.meta.url)`. */
export function fixtures(plugin, folder = 'fixtures') {
  const path = typeof folder === 'string' ? folder : fileURLToPath(folder.href);
  const files = readdirSync(path).filter((file) => file.endsWith('.json')).sort();
  if (files.length === 0) throw new Error(`${path} holds no fixture`);
  for (const file of files) {
    const name = file.slice(0, -'.json'.length);
    test(name, () => {
      try {
        checkFixture(plugin, JSON.parse(readFileSync(join(path, file), 'utf8')));
      } catch (error) {
        report(name, { reason: String(error?.message ?? error).trim(), found: error?.found ?? null });
        throw error;
      }
      report(name, { reason: null, found: null });
    });
  }
}

/**
 * Tells what came of a fixture in the file from which `leadsman plugin test` takes it, to show it beside
 * what the component gives.
 */
function report(fixture, came) {
  const file = process.env.LEADSMAN_FIXTURE_REPORT;
  // In one piece: tests may run side by side.
  if (file) appendFileSync(file, `${JSON.stringify({ fixture, ...came })}\n`);
}
