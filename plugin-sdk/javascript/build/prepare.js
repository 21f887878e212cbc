// Makes the files that are in the package and not in the repository: the runtime, the contract and
// the licence.

import { execFileSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { BINDING, SHIPPED, answered, carried, runtime } from './runtime.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

for (const folder of ['../runtime', '../wit']) mkdirSync(here(folder), { recursive: true });
if (!existsSync(SHIPPED)) writeFileSync(SHIPPED, process.platform === 'linux' && process.arch === 'x64' ? runtime() : fetched());
copyFileSync(join(dirname(createRequire(import.meta.url).resolve('componentize-qjs/package.json')), 'LICENSE'), here('../runtime/LICENSE'));
// In a project these are there already.
for (const [from, to] of [['../../../wit/plugin.wit', '../wit/plugin.wit'], ['../../../LICENSE', '../LICENSE']]) {
  if (existsSync(here(from))) copyFileSync(here(from), here(to));
}

/** On other machines the binding is not installed, but npm can unpack it. */
function fetched() {
  const { version } = createRequire(import.meta.url)('componentize-qjs/package.json');
  const folder = mkdtempSync(join(tmpdir(), 'leadsman-'));
  try {
    execFileSync('npm', ['pack', '--silent', `${BINDING}@${version}`], { cwd: folder, shell: process.platform === 'win32' });
    const [archive] = readdirSync(folder);
    execFileSync('tar', ['-xzf', archive], { cwd: folder });
    const unpacked = join(folder, 'package');
    const file = readdirSync(unpacked).find((name) => name.endsWith('.node'));
    return answered(carried(readFileSync(join(unpacked, file))));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
