// Builds for real: what comes out, what is refused, and that it does not depend on the folder.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { build } from '../build/build.js';
import { answered, carried } from '../build/runtime.js';
import { module, name, number, sections } from '../build/wasm.js';
import { withMergedSegments } from '../build/segments.js';
import { lines } from '../build/lines.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const below = mkdtempSync(join(tmpdir(), 'leadsman-plugin-'));
after(() => rmSync(below, { recursive: true }));

/** A project with these files. */
function project(title, files) {
  const folder = join(below, title);
  mkdirSync(join(folder, 'node_modules'), { recursive: true });
  symlinkSync(root, join(folder, 'node_modules/leadsman-plugin'));
  const manifest = JSON.stringify({ name: 'mine', version: '1.2.3', description: 'Mine', type: 'module' });
  for (const [path, text] of Object.entries({ 'package.json': manifest, ...files })) writeFileSync(join(folder, path), text);
  return folder;
}

const plugin = (body) => `import { Measures, definePlugin } from 'leadsman-plugin';\nexport default definePlugin({ evaluate() { ${body} } });\n`;
const built = (folder, file = 'plugin.js') => build({ file: join(folder, file), output: join(folder, 'out.wasm') });

test('the same sources give the same bytes in any folder', async () => {
  const files = { 'plugin.js': plugin('return new Measures();') };
  const [one, two] = [await built(project('one', files)), await built(project('deeper-two', files))];
  assert.equal(one.digest, two.digest);
  assert.deepEqual(one.warnings, []);
  const bytes = readFileSync(join(below, 'one/out.wasm'));
  assert.equal(createHash('sha256').update(bytes).digest('hex'), one.digest);
  assert.ok(!bytes.includes('wasi:'), 'it imports something of WASI');
  assert.ok(bytes.includes('leadsman:plugin/log@0.1.0'));
});

test('fixtures are packed in, in the order of their names', async () => {
  const folder = project('fixtures', { 'plugin.js': plugin('return new Measures();') });
  mkdirSync(join(folder, 'fixtures'));
  for (const title of ['b', 'a']) writeFileSync(join(folder, `fixtures/${title}.json`), '{"expect": {"measures": []}}');
  await build({ file: join(folder, 'plugin.js'), output: join(folder, 'out.wasm'), fixtures: [join(folder, 'fixtures')] });
  const custom = sections(readFileSync(join(folder, 'out.wasm'))).filter(({ id }) => id === 0);
  const title = Buffer.from(name('leadsman:fixtures'));
  const packed = custom.find(({ body }) => body.subarray(0, title.length).equals(title));
  assert.deepEqual(JSON.parse(packed.body.subarray(title.length).toString()).map((one) => one.name), ['a', 'b']);
  writeFileSync(join(folder, 'fixtures/c.json'), '{');
  await assert.rejects(
    build({ file: join(folder, 'plugin.js'), output: join(folder, 'out.wasm'), fixtures: [join(folder, 'fixtures')] }),
    /c\.json is not JSON: /,
  );
});

test('what cannot be a plugin is refused with the place in the source', async () => {
  const cases = {
    'module-of-node': ["import fs from 'node:fs';\n" + plugin('return fs;'), /^plugin\.js imports "node:fs": plugins have no files$/],
    network: ["import { get } from 'https';\n" + plugin('return get;'), /^plugin\.js imports "https": plugins have no network$/],
    syntax: ['export default {\n  a b\n};\n', /plugin\.js:2:/],
    'module-that-is-none': ["import './not-here.js';\n" + plugin(''), /Could not resolve '\.\/not-here\.js' in plugin\.js/],
    'no-plugin': ['export const plugin = 1;\n', /the file has no plugin: write `export default definePlugin/],
    'fails-at-load': ["import './second.js';\n" + plugin(''), /it fails while it is loaded: Error: 'nothing' is not defined \(second\.js:3\)|nothing is not defined \(second\.js:3\)/],
    'waits-at-load': ['setTimeout(() => {}, 1);\n' + plugin(''), /setTimeout is not defined \(plugin\.js:1\)/],
  };
  for (const [title, [text, message]] of Object.entries(cases)) {
    const folder = project(title, { 'plugin.js': text, 'second.js': '// a comment\n\nnothing.here();\n' });
    await assert.rejects(built(folder), { message }, title);
  }
  await assert.rejects(built(project('none', {})), /there is no file/);
});

test('packages and TypeScript are bundled', async () => {
  const folder = project('bundled', {
    'plugin.ts': `import { half } from 'arithmetic';\nimport type { Input } from 'leadsman-plugin';\n${plugin('return half;')}`
      + 'export const now = (input: Input): number => input.now;\n',
  });
  mkdirSync(join(folder, 'node_modules/arithmetic'));
  writeFileSync(join(folder, 'node_modules/arithmetic/package.json'), '{"name": "arithmetic", "main": "index.js"}');
  writeFileSync(join(folder, 'node_modules/arithmetic/index.js'), 'exports.half = (n) => n / 2;\n');
  assert.deepEqual((await built(folder, 'plugin.ts')).warnings, []);
});

test('the runtime is found in the binding and answers all that it imports', () => {
  const binding = new URL('../node_modules/@andreiltd/componentize-qjs-binding-linux-x64-gnu/componentize-qjs.linux-x64-gnu.node', import.meta.url);
  const original = carried(readFileSync(binding)), made = answered(original);
  const imports = sections(made).find(({ id }) => id === 2).body.toString('latin1');
  assert.ok(imports.includes('__stack_pointer'));
  assert.ok(!/wasi|local:init/.test(imports));
  assert.deepEqual(answered(original), made);
  assert.throws(() => carried(Buffer.from('something else')), /does not carry the runtime/);
});

test('segments are merged where only zeros are between, and in no memory of another module', () => {
  const segment = (start, text) => [0, 0x41, ...signedOf(start), 0x0b, ...number(text.length), ...Buffer.from(text)];
  const many = Array.from({ length: 100 }, (_, at) => segment(1000 + at * 64, 'ab'));
  const near = [segment(0, 'abc'), segment(5, 'de'), ...many];
  const header = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const inner = (...before) => module(header, [
    ...before.map(([id, ...body]) => ({ id, body: Buffer.from(body) })),
    { id: 12, body: Buffer.from(number(near.length)) },
    { id: 11, body: Buffer.from([...number(near.length), ...near.flat()]) },
  ]);
  const outer = (body) => module(Buffer.from([0, 0x61, 0x73, 0x6d, 13, 0, 1, 0]), [{ id: 1, body }]);
  const own = sections(sections(withMergedSegments(outer(inner([5, 1, 0, 1]))))[0].body);
  assert.deepEqual([...own.find(({ id }) => id === 12).body], number(101));
  assert.ok(own.find(({ id }) => id === 11).body.includes(Buffer.from('abc\0\0de')));
  const other = outer(inner([2, 1, ...name('env'), ...name('memory'), 2, 0, 1]));
  assert.deepEqual(withMergedSegments(other), other);
});

function signedOf(value) {
  return value < 64 ? [value] : [(value & 127) | 128, value >> 7 & 63 | (value >> 13 ? 128 : 0), ...(value >> 13 ? [value >> 13] : [])];
}

test('lines of a bundle are those of its sources', () => {
  // Line 1 is the author's line 3, line 2 is of another file, line 3 is the author's line 4.
  const map = { sources: ['mine.ts', 'theirs.js'], mappings: 'AAEA;ACFA;ADGA' };
  const { sources, places } = lines(map, (source) => (source === 'mine.ts' ? 'src/mine.ts' : undefined));
  assert.deepEqual(sources, ['src/mine.ts']);
  assert.deepEqual(places, [null, [0, 3], null, [0, 4]]);
});

test('every template builds, and passes its fixtures and its types in both languages', async () => {
  const { execFileSync } = await import('node:child_process');
  const templates = join(root, '../templates');
  const names = readdirSync(templates, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
  assert.ok(names.includes('ratio'), names.join());
  for (const language of ['javascript', 'typescript']) {
    for (const template of names) {
      const folder = join(below, language, template);
      cpSync(join(root, 'template', language), folder, { recursive: true });
      cpSync(join(templates, template, 'fixtures'), join(folder, 'fixtures'), { recursive: true });
      const manifest = readFileSync(join(folder, 'package.json'), 'utf8').replaceAll('{{name}}', template);
      writeFileSync(join(folder, 'package.json'), manifest);
      mkdirSync(join(folder, 'node_modules'));
      symlinkSync(root, join(folder, 'node_modules/leadsman-plugin'));
      const { scripts, main } = JSON.parse(manifest);
      mkdirSync(dirname(join(folder, main)), { recursive: true });
      cpSync(join(templates, template, 'plugin.js'), join(folder, main));
      const env = { ...process.env, NODE_TEST_CONTEXT: undefined };
      execFileSync('sh', ['-c', scripts.test], { cwd: folder, env, stdio: 'pipe' });
      execFileSync(join(root, 'node_modules/.bin/tsc'), ['--noEmit'], { cwd: folder, stdio: 'pipe' });
      // Both languages have the same sources.
      if (language === 'javascript' && template !== 'ratio') continue;
      const { size } = await build({ file: join(folder, main), output: join(folder, 'out.wasm'), fixtures: [join(folder, 'fixtures')] });
      assert.ok(size < 3_000_000, `${language} ${template} has ${size} bytes`);
    }
  }
});
