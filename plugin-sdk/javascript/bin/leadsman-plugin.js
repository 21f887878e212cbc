#!/usr/bin/env node
// leadsman-plugin build FILE: a plugin's source into a component.

import { existsSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';

const USAGE = `Usage: leadsman-plugin build [FILE] [--output FILE] [--fixtures DIR]...

Builds the plugin that FILE (JavaScript or TypeScript) exports by default into a WebAssembly
component, with its fixtures packed in. Without FILE it is "main" of package.json.

  -o, --output FILE    where to put it; NAME.wasm if left out, by the name of the folder
  -f, --fixtures DIR   a folder with fixtures; fixtures if left out. May be given several times
      --no-fixtures    packs none
  -q, --quiet          prints warnings and errors alone`;

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      output: { type: 'string', short: 'o' },
      fixtures: { type: 'string', short: 'f', multiple: true },
      'no-fixtures': { type: 'boolean' },
      quiet: { type: 'boolean', short: 'q' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [command, given, ...rest] = positionals;
  if (values.help) return console.log(USAGE);
  if (command !== 'build' || rest.length > 0) throw new Error(USAGE);
  const { build } = await import('../build/build.js');
  const file = given ?? mainOf('package.json');
  const output = values.output ?? `${basename(process.cwd())}.wasm`;
  const fixtures = values['no-fixtures'] ? [] : values.fixtures ?? ['fixtures'];
  const { size, digest, warnings } = await build({ file, output, fixtures });
  for (const warning of warnings) console.error(`warning: ${warning}`);
  if (!values.quiet) console.log(`${output}  ${size} bytes  sha256:${digest}`);
}

function mainOf(manifest) {
  const main = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).main : undefined;
  if (typeof main === 'string') return main;
  throw new Error('name the file of the plugin: as an argument, or as "main" of package.json');
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  // What does not end while it is loaded would keep the process.
  process.exit(1);
}
