// The fixtures of a plugin, packed into its component: whoever loads it can test it.

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

import { customSection } from './wasm.js';

/** The custom section that the adapter looks for. */
const SECTION = 'leadsman:fixtures';

/** A component with every `*.json` of the folders, in the order of their names; one name once. */
export function withFixtures(component, folders) {
  const found = new Map();
  for (const folder of folders) {
    if (!existsSync(folder)) continue;
    for (const file of readdirSync(folder).filter((file) => file.endsWith('.json')).sort()) {
      found.set(file.slice(0, -'.json'.length), parsed(join(folder, file)));
    }
  }
  if (found.size === 0) return component;
  const list = [...found].map(([name, fixture]) => ({ name, fixture }));
  return Buffer.concat([component, customSection(SECTION, Buffer.from(JSON.stringify(list)))]);
}

function parsed(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(`${path} is not JSON: ${error.message}`, { cause: error });
  }
}
