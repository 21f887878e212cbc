#!/usr/bin/env node
// leadsman-plugin build FILE: a plugin's source into a component.

import { basename } from 'node:path';
import { parseArgs } from 'node:util';

const USAGE = `Usage: leadsman-plugin build FILE [--output FILE] [--fixtures DIR]...

Builds the plugin that FILE (JavaScript or TypeScript) exports by default into a WebAssembly
component, with its fixtures packed in.

  -o, --output FILE    where to put it; build/NAME.wasm if left out, by the name of the package
  -f, --fixtures DIR   a folder with fixtures; fixtures if left out. May be given several times`;

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      output: { type: 'string', short: 'o' },
      fixtures: { type: 'string', short: 'f', multiple: true },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const [command, file, ...rest] = positionals;
  if (values.help) return console.log(USAGE);
  if (command !== 'build' || file === undefined || rest.length > 0) throw new Error(USAGE);
  const { build } = await import('../build/build.js');
  const output = values.output ?? `build/${basename(process.cwd())}.wasm`;
  const { size, digest, warnings } = await build({ file, output, fixtures: values.fixtures ?? ['fixtures'] });
  for (const warning of warnings) console.error(`warning: ${warning}`);
  console.log(`${output}  ${size} bytes  sha256:${digest}`);
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
