// Packs the package with everything that it needs on this platform, for machines without a registry:
// leadsman-plugin-VERSION-PLATFORM-ARCH.tgz.

import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import './prepare.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const staging = mkdtempSync(join(tmpdir(), 'leadsman-plugin-'));
const npm = (...args) => execFileSync('npm', args, { cwd: staging, stdio: ['ignore', 'pipe', 'inherit'], shell: process.platform === 'win32' }).toString();

try {
  for (const file of [...manifest.files, 'package-lock.json']) cpSync(join(root, file), join(staging, file), { recursive: true });
  const { scripts: _, ...kept } = manifest;
  writeFileSync(join(staging, 'package.json'), JSON.stringify({
    ...kept, os: [process.platform], cpu: [process.arch], bundleDependencies: Object.keys(manifest.dependencies),
  }));
  npm('ci', '--omit=dev', '--silent');
  // The bindings are optional dependencies of what is bundled, so that npm bundles those that are installed.
  const [archive] = npm('pack', '--silent').trim().split('\n').slice(-1);
  const named = archive.replace(/\.tgz$/, `-${process.platform}-${process.arch}.tgz`);
  const target = resolve(process.argv[2] ?? root, named);
  copyFileSync(join(staging, archive), target);
  console.log(target);
} finally {
  rmSync(staging, { recursive: true });
}
