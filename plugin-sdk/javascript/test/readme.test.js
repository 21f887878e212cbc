// The examples of the documentation are run as they stand there.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

for (const page of ['../README.md', '../../../docs/plugins-javascript.md']) {
  test(page, () => {
    const text = readFileSync(new URL(page, import.meta.url), 'utf8');
    // A block whose name stands before it, in code: `plugin.js`: or `fixtures/share.json`, …:
    const blocks = [...text.matchAll(/^`([\w./-]+)`[^\n]*:\n\n```(?:js|ts|json)\n([^]*?)^```$/gm)];
    assert.ok(blocks.length >= 3, `${page} has ${blocks.length} files`);
    const folder = mkdtempSync(join(tmpdir(), 'leadsman-plugin-'));
    try {
      mkdirSync(join(folder, 'node_modules'));
      symlinkSync(root, join(folder, 'node_modules/leadsman-plugin'));
      writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
      for (const [, path, content] of blocks) {
        mkdirSync(dirname(join(folder, path)), { recursive: true });
        writeFileSync(join(folder, path), content);
      }
      const tests = blocks.map(([, path]) => path).filter((path) => /\.test\.[jt]s$/.test(path));
      assert.ok(tests.length > 0, `${page} has no test`);
      const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
      const said = execFileSync('node', ['--import', 'leadsman-plugin/typescript', '--test', ...tests], { cwd: folder, env, encoding: 'utf8' });
      const fixtures = blocks.filter(([, path]) => path.startsWith('fixtures/')).length;
      assert.match(said, new RegExp(`^# pass ${fixtures}$`, 'm'));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}
