// From an author's file to a component that the adapter loads.

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bundle } from './bundle.js';
import { withFixtures } from './fixtures.js';
import { runtime } from './runtime.js';
import { withMergedSegments } from './segments.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const require = createRequire(import.meta.url);
/** The tools that make a component, in the versions whose output was tried. */
const TOOLS = require('../package.json').dependencies;

/** Milliseconds that an author's modules have to load. */
const LOADING = 60_000;

/**
 * Builds `file` into a component at `output`, with the fixtures of the folders packed in. Gives its
 * size in bytes, its digest, and what is to be warned of.
 */
export async function build({ file, output, fixtures = [] }) {
  checkTools();
  const path = resolve(file);
  if (!existsSync(path)) throw new Error(`there is no file ${file}`);
  const { project, about } = packageOf(path);
  const { code, warnings, places } = await bundle({ file: path, project, about });
  const bytes = withFixtures(withMergedSegments(await componentOf(code, places)), fixtures);
  mkdirSync(dirname(resolve(output)), { recursive: true });
  writeFileSync(output, bytes);
  return { size: bytes.length, digest: createHash('sha256').update(bytes).digest('hex'), warnings };
}

function checkTools() {
  for (const [tool, version] of Object.entries(TOOLS)) {
    let found;
    try {
      found = require(`${tool}/package.json`).version;
    } catch (error) {
      throw new Error(`${tool} ${version} is missing: npm install --save-dev --save-exact ${tool}@${version}`, { cause: error });
    }
    if (found !== version) {
      throw new Error(`${tool} is of version ${found}, and ${version} is needed: npm install --save-dev --save-exact ${tool}@${version}`);
    }
  }
}

/** Name, version and description of the package that a file is in, where the plugin names none. */
function packageOf(path) {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const manifest = join(folder, 'package.json');
    if (existsSync(manifest)) {
      const { name, version, description } = JSON.parse(readFileSync(manifest, 'utf8'));
      return { project: folder, about: { name: name ?? basename(folder), version: version ?? '0.0.0', about: description ?? '' } };
    }
    if (folder === dirname(folder)) {
      const name = basename(path).replace(/\.[^.]*$/, '');
      return { project: dirname(path), about: { name, version: '0.0.0', about: '' } };
    }
  }
}

async function componentOf(code, places) {
  const { componentize } = await import('componentize-qjs');
  const wit = [here('../wit'), here('../../../wit')].find((folder) => existsSync(join(folder, 'plugin.wit')));
  const made = componentize({ witPath: wit, jsSource: code, world: 'mapping', runtimeBytes: runtime() });
  let timer;
  const late = new Promise((_, reject) => {
    const message = `${LOADING / 1000} s were not enough; is there a loop outside of functions?`;
    timer = setTimeout(() => reject(new Error(message)), LOADING);
  });
  try {
    return (await Promise.race([made, late])).component;
  } catch (error) {
    throw new Error(`it fails while it is loaded: ${atLoad(error.message, places)}`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** What the engine says, with the author's line in place of that of the bundle. */
function atLoad(message, { sources, places }) {
  const frames = [...message.matchAll(/user\.js:([0-9]+)/g)].map(([, line]) => places[Number(line)]);
  const found = frames.find((place) => place);
  const said = message.split('\n')[0].replace(/^.*?(?:Failed to [a-z]+ JavaScript module[a-z ]*: )+/, '');
  return found === undefined ? said : `${said} (${sources[found[0]]}:${found[1]})`;
}
