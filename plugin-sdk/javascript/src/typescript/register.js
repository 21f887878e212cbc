// Runs TypeScript in Node: `node --import leadsman-plugin/typescript --test`. Types are removed, not
// checked; that is what `tsc --noEmit` is for.

import { register } from 'node:module';

register('./hooks.js', import.meta.url);
process.setSourceMapsEnabled(true);
