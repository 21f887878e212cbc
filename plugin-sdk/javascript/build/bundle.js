// From an author's file to one module: bundled, with what makes it a component around it.

import { builtinModules } from 'node:module';
import { join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

import { rolldown } from 'rolldown';

import { lines } from './lines.js';

const PACKAGE = fileURLToPath(new URL('..', import.meta.url));
const ENTRY = '\0leadsman:entry';
/** Stands for the places of lines, which are known only once the bundle is made. */
const PLACES = '"leadsman:places"';

/** What modules of Node would give, which plugins have not. */
const HAVE_NOT = {
  fs: 'files', path: 'files', os: 'operating system', process: 'environment', http: 'network', https: 'network', http2: 'network',
  net: 'network', tls: 'network', dns: 'network', dgram: 'network', crypto: 'random numbers and no cryptography of Node',
  worker_threads: 'threads', cluster: 'processes', child_process: 'processes', timers: 'timers', perf_hooks: 'clock',
};

/**
 * The bundle of a file, where its lines come from, and warnings. Throws an error with the place where the file imports what
 * plugins have not, or cannot be read.
 */
export async function bundle({ file, project, about }) {
  const warnings = [];
  const made = await rolldown({
    input: ENTRY,
    cwd: project,
    platform: 'neutral',
    // It would name files by where they are on this machine.
    experimental: { attachDebugInfo: 'none' },
    external: [/^leadsman:plugin\//],
    resolve: {
      alias: {
        'leadsman-plugin/component': `${PACKAGE}src/component.js`,
        'leadsman-plugin': `${PACKAGE}src/index.js`,
      },
      mainFields: ['module', 'main'],
      extensionAlias: { '.js': ['.ts', '.js'], '.mjs': ['.mts', '.mjs'] },
    },
    plugins: [entry(file, about), absent(project)],
    onLog: (level, log) => {
      if (level === 'warn' && log.code !== 'IMPORT_IS_UNDEFINED') warnings.push(stripVTControlCharacters(log.message));
    },
  });
  try {
    const { output } = await made.generate({ dir: project, format: 'esm', sourcemap: true, codeSplitting: false });
    const [chunk] = output;
    const { sources, ...map } = chunk.map;
    const isAuthors = (source) => {
      if (source.includes('\0')) return undefined;
      const path = fileURLToPath(new URL(source, pathToFileURL(`${project}/`)));
      // The same on every system, as it is part of the component.
      return path.startsWith(join(PACKAGE, 'src')) ? undefined : relative(project, path).replaceAll('\\', '/');
    };
    const places = lines({ ...map, sources }, isAuthors), text = JSON.stringify(JSON.stringify(places));
    // It takes the place of a text on the same line, so that no line moves.
    const code = chunk.code.replace(PLACES, () => text).replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
    return { code, warnings, places };
  } catch (error) {
    // Each has what the author needs; the text around them has where the bundler was.
    const told = (error.errors ?? [error]).map(({ message }) => message.split('\n    at ')[0].replace(/^\[plugin [^\n]*\n(Error: )?/, ''));
    throw new Error(stripVTControlCharacters(told.join('\n')), { cause: error });
  } finally {
    await made.close();
  }
}

function entry(file, about) {
  const text = `
    import { write } from 'leadsman:plugin/log@0.1.0';
    import { component } from 'leadsman-plugin/component';
    import * as author from ${JSON.stringify(file)};
    export const { describe, configure, evaluate } = component(author.default, {
      write, lines: ${PLACES}, ...${JSON.stringify(about)},
    });`;
  return {
    name: 'leadsman-entry',
    resolveId: (id) => (id === ENTRY ? id : null),
    load: (id) => (id === ENTRY ? { code: text, moduleType: 'js' } : null),
  };
}

/** Refuses what Node has and plugins have not, with the file that wants it. */
function absent(project) {
  return {
    name: 'leadsman-absent',
    resolveId(id, importer) {
      const bare = id.replace(/^node:/, ''), top = bare.split('/')[0];
      if (!id.startsWith('node:') && !builtinModules.includes(bare)) return null;
      const what = HAVE_NOT[top] === undefined ? 'modules of Node' : HAVE_NOT[top];
      throw new Error(`${relative(project, importer ?? '')} imports "${id}": plugins have no ${what}`);
    },
  };
}
