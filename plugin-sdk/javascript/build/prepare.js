// Makes the files that are in the package and not in the repository: the runtime, the contract and
// the licence.

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { SHIPPED, runtime } from './runtime.js';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

const bytes = runtime();
for (const folder of ['../runtime', '../wit']) mkdirSync(here(folder), { recursive: true });
writeFileSync(SHIPPED, bytes);
copyFileSync(here('../../../wit/plugin.wit'), here('../wit/plugin.wit'));
copyFileSync(here('../../../LICENSE'), here('../LICENSE'));
