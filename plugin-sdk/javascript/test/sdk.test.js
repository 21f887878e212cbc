// The SDK piece by piece: what it says, and what crosses to the adapter.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  Context, Failure, Fault, Faults, Measures, NsxAlbQuery, ObjectFinder, Query, Targets, byObject, combined, definePlugin,
  isHealthScore, mayBeSummed, objectKey, parseDuration, refuse, t,
} from 'leadsman-plugin';
import { InputBuilder, checkFixture } from 'leadsman-plugin/testing';

const vector = (...series) => ({
  resultType: 'vector',
  result: series.map(([metric, value, time = 1]) => ({ metric, value: [time, value] })),
});
const input = (answers, namespace = 'shop') => {
  const builder = new InputBuilder();
  if (namespace !== undefined && namespace !== null) builder.namespace(namespace);
  for (const [query, answer] of Object.entries(answers)) builder.answer(query, answer);
  return builder.finish();
};
const told = (run) => {
  try {
    run();
  } catch (error) {
    return String(error);
  }
  return 'nothing was thrown';
};

test('texts are those that were sent, whatever they are made of', () => {
  const texts = ['ü', '\u{1f600}', 'é\u0301', '\0', '漢字', 'x'.repeat(10_000)];
  const given = input({ q: vector(...texts.map((pod) => [{ pod }, '1'])) });
  assert.deepEqual(given.only().series.map((series) => series.label('pod')), texts);
  const raw = new Measures().add('own-\u{1f600}', 1).add('half-\ud800', 2).add('漢字', 3).raw(given);
  const { bytes } = raw.dictionary;
  assert.equal(Buffer.from(bytes).toString(), 'own-\u{1f600}half-\ufffd');
  // What is a text of the input goes back by its number there.
  assert.equal(raw.objects[2], given.texts.known('漢字'));
  assert.equal(raw.objects[0], given.texts.length);
});

test('answers say what they are', () => {
  const given = input({
    range: { resultType: 'matrix', result: [{ metric: { pod: 'a' }, values: [[1, '1'], [2, 'NaN'], [3, '-Inf']] }] },
    scalar: { resultType: 'scalar', result: [1.5, '2'] },
    string: { resultType: 'string', result: [1, 'text'] },
    vector: { ...vector([{ pod: 'a' }, '+Inf']), unit: 'percent' },
  });
  const [range] = given.answer('range').ranges;
  assert.deepEqual(range.values, [1, NaN, -Infinity]);
  assert.deepEqual(range.samples[2], { time: 3000, value: -Infinity });
  assert.deepEqual(given.answer('scalar').scalar, { time: 1500, value: 2 });
  assert.equal(given.answer('string').text, 'text');
  assert.equal(given.answer('vector').unit, 'percent');
  assert.equal(given.answer('scalar').unit, undefined);
  assert.equal(given.answer('vector').series[0].value, Infinity);
  assert.equal(told(() => given.answer('range').series), 'query "range": expected an instant vector, and the answer is a range matrix');
  assert.equal(told(() => given.answer('vector').ranges), 'query "vector": expected a range matrix, and the answer is an instant vector');
  assert.equal(told(() => given.answer('vector').scalar), 'query "vector": expected a scalar, and the answer is an instant vector');
  assert.equal(told(() => given.answer('scalar').text), 'query "scalar": expected a string, and the answer is a scalar');
  assert.equal(told(() => given.answer('x')), 'the mapping has no query named "x"; it has "range", "scalar", "string", "vector"');
  assert.equal(told(() => given.only()), 'this plugin works on one query, and the mapping has 4');
  assert.equal(
    told(() => given.answer('vector').series[0].require('node')),
    'query "vector": a series has no label "node" (it has pod); keep the label in the query\'s by (…)',
  );
});

test('labels of an answer are found once, and are of that answer', () => {
  const given = input({ a: vector([{ pod: 'p', zone: 'z' }, '1'], [{ pod: 'q' }, '1']), b: vector([{ pod: 'p' }, '1']) });
  const zone = given.answer('a').column('zone');
  assert.deepEqual(given.answer('a').series.map((series) => series.at(zone)), ['z', undefined]);
  assert.equal(given.answer('a').column('none'), undefined);
  assert.equal(given.answer('a').series[0].at(undefined), undefined);
  assert.deepEqual(given.answer('a').series[0].labels, [['pod', 'p'], ['zone', 'z']]);
  assert.throws(() => given.answer('b').series[0].at(zone), /column is one of another answer/);
});

test('objects have what the plan asks for', () => {
  const builder = new InputBuilder()
    .object('cart-0', { namespace: 'shop', labels: { app: 'cart' }, address: '10.0.0.1' })
    .object('node-a', { labels: { zone: 'z' } });
  const given = builder.finish(), [pod, node] = given.objects;
  assert.deepEqual([pod.name, pod.namespace, pod.address, pod.label('app'), pod.label('zone')], ['cart-0', 'shop', '10.0.0.1', 'cart', undefined]);
  assert.deepEqual([node.name, node.namespace, node.address, node.label('zone')], ['node-a', undefined, undefined, 'z']);
  assert.deepEqual(new Measures().add(objectKey(pod), 1).rows(given)[0].namespace, 'shop');
  assert.deepEqual(new InputBuilder().finish().objects, []);
});

test('series that meet one object are combined as the shipped plugins do', () => {
  const twice = input({ q: vector([{ pod: 'a', i: '2' }, '1', 5], [{ pod: 'a', i: '1' }, '3', 4], [{ pod: 'b' }, '7', 6]) });
  const values = (combine) => [...byObject(twice.only(), 'pod', { combine })].map(({ object, value, time }) => [object.name, value, time]);
  assert.deepEqual(values('sum'), [['a', 4, 4000], ['b', 7, 6000]]);
  assert.deepEqual(values('max'), [['a', 3, 4000], ['b', 7, 6000]]);
  assert.deepEqual(values('min'), [['a', 1, 4000], ['b', 7, 6000]]);
  assert.deepEqual(values('average'), [['a', 2, 4000], ['b', 7, 6000]]);
  assert.deepEqual(values('first'), [['a', 3, 4000], ['b', 7, 6000]]);
  assert.deepEqual(values('omit'), [['b', 7, 6000]]);
  assert.equal(
    told(() => values('fail')),
    'query "q": several series are for the object "a"; aggregate them in the query, or set `combine` to sum, max, min, average, first or omit',
  );
  assert.throws(() => values('most'), /"most" is no way to combine values/);
  const made = combined(twice.only(), 'sum', (series) => {
    const object = new ObjectFinder(twice.only(), 'pod').object(series);
    return object.name === 'a' ? { object, value: series.value * 10, time: series.time } : undefined;
  });
  assert.deepEqual([...made].map(({ object, value }) => [object.name, value]), [['a', 40]]);
  // NaN is kept, so that it is refused and never hidden.
  const broken = input({ q: vector([{ pod: 'a', i: '1' }, '1'], [{ pod: 'a', i: '2' }, 'NaN'], [{ pod: 'a', i: '3' }, '2']) });
  assert.ok(Number.isNaN([...byObject(broken.only(), 'pod', { combine: 'sum' })][0].value));
});

test('objects of one name in several namespaces are several, and meet those of another answer', () => {
  const given = input({
    a: vector([{ pod: 'x', namespace: 'shop' }, '1'], [{ pod: 'x', namespace: 'bank' }, '2'], [{ pod: 'x' }, '3']),
    b: vector([{ pod: 'x', namespace: 'bank' }, '20'], [{ pod: 'y', namespace: 'bank' }, '30']),
  }, null);
  const a = byObject(given.answer('a'), 'pod'), b = byObject(given.answer('b'), 'pod');
  assert.equal(a.length, 3);
  assert.deepEqual([...b].map(({ object }) => a.get(object)?.value), [2, undefined]);
  assert.deepEqual(new Set([...a].map(({ object }) => object.key)).size, 3);
  const rows = a.measures(new Measures()).rows(given);
  assert.deepEqual(rows.map(({ object, namespace }) => [object, namespace]), [['x', 'shop'], ['x', 'bank'], ['x', undefined]]);
  const alone = byObject(given.answer('a'), 'pod', { namespace: '', combine: 'sum' });
  assert.deepEqual([...alone].map(({ value }) => value), [6]);
});

test('targets are objects or items', () => {
  const given = input({
    q: vector(
      [{ __name__: 'x', namespace: 'shop', pod: 'a', le: '1' }, '1'],
      [{ namespace: 'bank', pod: 'a', le: '1' }, '2'],
      [{ le: '1' }, '3'],
    ),
  }, null);
  const found = (source, options) => {
    const targets = new Targets(given.only(), source, { without: ['le'], ...options }), measures = new Measures();
    for (const series of given.only().series) {
      const target = targets.of(series);
      if (target !== undefined) measures.add(target, series.value);
    }
    return measures.rows(given).map(({ namespace, object, labels }) => [namespace, object, Object.keys(labels).join()]);
  };
  assert.deepEqual(found('pod'), [['shop', 'a', ''], ['bank', 'a', '']]);
  assert.deepEqual(found('pod', { namespace: '' }), [[undefined, 'a', ''], [undefined, 'a', '']]);
  assert.deepEqual(found({ name: 'web', namespace: 'shop' }), Array(3).fill(['shop', 'web', '']));
  assert.deepEqual(found(undefined), [[undefined, '', 'namespace,pod'], [undefined, '', 'namespace,pod'], [undefined, '', '']]);
  assert.match(told(() => found('node')), /no series has the label "node" that names the object \(labels of the first series: __name__, le, namespace, pod\)/);
  const [first] = given.only().series;
  assert.equal(new Targets(given.only(), 'pod').of(first).called(), 'the object "a"');
  assert.equal(new Targets(given.only(), undefined).of(first).called(), 'the item {le="1", namespace="shop", pod="a"}');
});

test('measures cross as columns', () => {
  const given = new InputBuilder().now(5).namespace('shop').answer('q', vector([{ pod: 'a' }, '1'])).finish();
  const a = given.only().series[0].require('pod');
  const raw = new Measures().add(a, 1, { time: 7, window: '90s' }).add('other', 2, { namespace: 'own' }).raw(given);
  assert.deepEqual(raw.times, [7, 5]);
  assert.deepEqual(raw.windows, [90, 0]);
  assert.deepEqual(raw.objects, [given.texts.known('a'), given.texts.length]);
  assert.deepEqual(raw.namespaces, [0, given.texts.length + 1]);
  assert.deepEqual(raw.labels, { names: [], rows: 2, cells: [] });
  const items = new Measures().addItem({ queue: 'jobs' }, 1).addItem([['pod', a]], 2).addItem({}, 3).raw(given);
  assert.deepEqual([items.objects, items.namespaces, items.times, items.windows], [[], [], [], []]);
  assert.equal(items.labels.rows, 3);
  assert.deepEqual(items.labels.cells, [given.texts.length + 1, 0, 0, 0, given.texts.known('a'), 0]);
  for (const [wrong, message] of [
    [() => new Measures().add('a', '1'), /the value is the string "1", and no number/],
    [() => new Measures().add('a', null), /the value is null, and no number/],
    [() => new Measures().add(undefined, 1), /the name of an object is undefined, and no text/],
    [() => new Measures().add('a', 1, { time: 1.5 }), /the time is the number "1.5", and no whole number/],
    [() => new Measures().add('a', 1, { window: 'soon' }), /"soon" is not a duration/],
    [() => new Measures().addItem({ a: 1n }, 1), /a label is the bigint "1", and no text/],
  ]) assert.throws(wrong, message);
});

test('configurations are read as their schema says, with all faults', () => {
  const plugin = definePlugin({
    config: {
      workers: t.integer({ minimum: 1, maximum: 9 }).describe('How many.'),
      floor: t.number({ above: 0 }).optional(),
      mode: t.oneOf('a', 'b').default('a'),
      over: t.duration().default('1m'),
      list: t.array(t.object({ name: t.string() })).default([]),
      any: t.record(t.boolean()).optional(),
      either: t.union(t.string(), t.number()).optional(),
      'a/b~c': t.string().optional(),
    },
    evaluate: (_, config) => new Measures().add(JSON.stringify(config), 1),
  });
  const read = (config) => {
    const given = new InputBuilder().finish();
    return JSON.parse(plugin.run(JSON.stringify(config), given).rows(given)[0].object);
  };
  assert.deepEqual(read({ workers: 1 }), { workers: 1, mode: 'a', over: 60_000, list: [] });
  assert.deepEqual(read({ workers: 2, floor: null, over: '2h', any: { x: true }, either: 1 }), {
    workers: 2, mode: 'a', over: 7_200_000, list: [], any: { x: true }, either: 1,
  });
  const faults = (config) => {
    try {
      plugin.plan(JSON.stringify(config), new Context({ api: 'custom' }));
    } catch (error) {
      return error.faults.map(String);
    }
    return [];
  };
  assert.deepEqual(faults({}), ['the key "workers" is missing']);
  assert.deepEqual(faults({ workers: 10, floor: 0, mode: 'c', over: 5, list: [{}, 1], any: { 'x/y': 1 }, either: [], 'a/b~c': 1, other: 1 }), [
    '/other: unknown key; there are: workers, floor, mode, over, list, any, either, a/b~c',
    '/workers: must be a whole number at least 1 and at most 9, and is 10',
    '/floor: must be a number above 0, and is 0',
    '/mode: must be one of a, b, and is "c"',
    '/over: must be a duration such as 30s, 1m30s, 2h or 7d, and is 5',
    '/list/0: the key "name" is missing',
    '/list/1: must be an object, and is 1',
    '/any/x~1y: must be true or false, and is 1',
    '/either: must be what the schema says, and is a list',
    '/a~1b~0c: must be a text, and is 1',
  ]);
  assert.deepEqual(faults([]), ['must be an object, and is a list']);
  const { properties, required, additionalProperties } = plugin.schema;
  assert.deepEqual(required, ['workers']);
  assert.equal(additionalProperties, false);
  assert.deepEqual(properties.workers, { description: 'How many.', type: 'integer', minimum: 1, maximum: 9 });
  assert.deepEqual(properties.floor, { type: ['number', 'null'], exclusiveMinimum: 0 });
  assert.deepEqual(properties.over.default, '1m');
  assert.throws(() => plugin.plan('{', new Context({ api: 'custom' })), /is not JSON/);
  // A default of one configuration is not that of the next.
  const own = definePlugin({
    config: { list: t.array(t.string()).default([]) },
    evaluate: (_, { list }) => new Measures().add('a', list.push('x')),
  });
  const given = new InputBuilder().finish();
  for (let time = 0; time < 2; time++) assert.equal(own.run('{}', given).rows(given)[0].value, 1);
});

test('a context says what could never work', () => {
  const context = (queries, api = 'custom') => new Context({ api, queries });
  const [instant, range] = [{ name: 'i', range: false }, { name: 'r', range: true }];
  assert.equal(context([instant]).onlyInstant(), undefined);
  assert.equal(String(context([range]).onlyInstant()), 'this plugin takes no range query, which "r" is; leave its `range` out');
  assert.equal(String(context([]).onlyInstant()), 'this plugin works on one query, and the mapping has 0');
  assert.equal(String(context([]).instant('x')), 'the mapping has no query "x"; it has none');
  assert.equal(String(context([instant, range]).instant('x')), 'the mapping has no query "x"; it has "i", "r"');
  assert.equal(context([range]).onlyRange(), undefined);
  assert.match(String(context([instant]).onlyRange()), /works on a range query, and "i" is none/);
  assert.match(String(context([instant, range]).onlyRange()), /works on one range query, and the mapping has 2 queries/);
  assert.match(String(context([]).objectFits(false)), /^the key "object" is missing/);
  assert.match(String(context([], 'external').objectFits(true)), /^\/object: an external metric has items/);
  assert.match(String(context([]).servedIn('external')), /for external metrics, which have none; use per-object/);
  assert.match(String(context([], 'external').servedIn('custom')), /for custom metrics, which have objects; use external/);
});

test('queries have the keys of a mapping', () => {
  const alb = NsxAlbQuery.ofAko('pool', 'k8s', 'l4_server.avg_open_conns').withServers();
  assert.deepEqual(Query.nsxAlb('conns', alb).fromSource('lb').maxSampleAge('20m').raw(), {
    name: 'conns',
    asked: {
      tag: 'written',
      val: '{"nsxAlb":{"entity":"pool","ako":"k8s","metric":"l4_server.avg_open_conns","servers":true},"source":"lb","maxSampleAge":"1200000ms"}',
    },
  });
  const range = Query.range('busy', 'up', { duration: '5m', step: 60_000 });
  assert.deepEqual(range.keys, { promql: 'up', range: { duration: '300s', step: '60s' } });
  assert.deepEqual(range.raw().asked, { tag: 'promql', val: { text: 'up', range: { duration: 300, step: 60 } } });
  assert.deepEqual(Query.instant('up', 'up').fromSource('x').raw().asked, { tag: 'promql', val: { text: 'up', range: null } });
  const written = { source: 'lb', maxSampleAge: '20m', nsxAlb: { entity: 'pool', name: 'web', metric: 'a' } };
  const [own] = new Context({ api: 'custom', queries: [{ name: 'q', range: false, written }] }).queries;
  const beside = own.beside('health', own.nsxAlb.withMetric('healthscore.x').inNamespace('shop'));
  assert.deepEqual(beside.keys, { ...written, nsxAlb: { entity: 'pool', name: 'web', metric: 'healthscore.x', namespace: 'shop' } });
  assert.deepEqual([own.nsxAlb.metric, own.nsxAlb.hasServers, alb.hasServers], ['a', false, true]);
  assert.equal(new Context({ api: 'custom', queries: [{ name: 'q', range: false, written: { promql: 'up' } }] }).queries[0].nsxAlb, undefined);
});

test('plans ask for the columns that they need', () => {
  const columns = (objects) => {
    const plugin = definePlugin({ plan: () => ({ objects }), evaluate: () => new Measures() });
    return plugin.exports({ name: 'x' }).configure('{}', { api: 'custom', servedFor: 'pods', queries: [] }).objects;
  };
  assert.equal(columns(undefined), null);
  assert.equal(columns(false), null);
  assert.deepEqual(columns(true), { labels: null, addresses: false });
  assert.deepEqual(columns({ labels: ['app'] }), { labels: ['app'], addresses: false });
  assert.deepEqual(columns({ addresses: true }), { labels: [], addresses: true });
  assert.deepEqual(columns({ labels: ['app'], addresses: true }), { labels: ['app'], addresses: true });
});

test('what is thrown crosses as a failure or as faults, with the place', () => {
  const raw = new InputBuilder().answer('q', vector([{ pod: 'a' }, '1'])).raw();
  const ends = (evaluate) => {
    try {
      definePlugin({ evaluate }).exports({ name: 'x' }).evaluate('{}', raw);
    } catch (failure) {
      return failure;
    }
    return undefined;
  };
  assert.deepEqual(ends(() => { throw new Failure('why', { query: 'q' }); }), { message: 'why', query: 'q' });
  assert.match(ends(() => { throw new Error('broken'); }).message, /^Error: broken \(sdk\.test\.js:[0-9]+\)$/);
  assert.match(ends((given) => given.nothing.here).message, /^TypeError: .* \(sdk\.test\.js:[0-9]+\)$/);
  assert.deepEqual(ends(() => { throw 'text'; }), { message: 'it threw text', query: null });
  assert.match(ends(async () => new Measures()).message, /`evaluate` returned a promise/);
  assert.match(ends(() => ({})).message, /`evaluate` returned no `Measures`/);
  const configured = (plan) => {
    try {
      definePlugin({ plan, evaluate: () => new Measures() }).exports({ name: 'x' })
        .configure('{}', { api: 'external', servedFor: null, queries: [{ name: 'q', range: false, written: 'no JSON' }] });
    } catch (faults) {
      return faults;
    }
    return undefined;
  };
  assert.deepEqual(configured(() => refuse(false, undefined, null)), undefined);
  assert.deepEqual(configured(() => refuse(new Fault('/a', 'b'))), [{ path: '/a', message: 'b' }]);
  assert.deepEqual(configured((_, { queries }) => { assert.equal(queries[0].written, null); }), undefined);
  assert.match(configured(() => { throw new Error('broken'); })[0].message, /^Error: broken \(sdk\.test\.js:/);
  assert.match(configured(() => ({ queries: ['up'] }))[0].message, /the `queries` of a plan are a list of `Query`/);
  assert.throws(() => definePlugin({}), /a plugin needs a function `evaluate`/);
  assert.ok(new Faults([new Fault('', 'x')]) instanceof Error);
});

test('durations and metrics are judged as the adapter does', () => {
  for (const [text, seconds] of [['30s', 30], ['1m30s', 90], ['2h', 7200], ['1w1d', 691_200], ['500ms', 0.5], [' 5s ', 5]]) {
    assert.equal(parseDuration(text), seconds * 1000, text);
  }
  for (const bad of ['', '5', 's', '5 s', '-5s', '1.5s', '5y', '99999999999999999999s']) {
    assert.throws(() => parseDuration(bad), /is not a duration such as 30s/, bad);
  }
  for (const metric of ['l4_server.avg_open_conns', 'l7_client.avg_total_requests', 'l4_server.avg_rx_bytes']) assert.ok(mayBeSummed(metric), metric);
  for (const metric of ['l4_server.avg_pool_open_conns', 'l4_server.avg_total_rtt', 'l7_server.apdexr', 'apdex.x', 'healthscore.health_score_value']) {
    assert.ok(!mayBeSummed(metric), metric);
  }
  assert.ok(isHealthScore('healthscore.x') && !isHealthScore('l4_server.x'));
});

test('fixtures say what differs', () => {
  const plugin = definePlugin({
    config: { fail: t.boolean().default(false) },
    plan: () => ({ queries: [Query.instant('own', 'up')] }),
    evaluate(given, { fail }) {
      if (fail) throw new Failure('why');
      return byObject(given.answer('q'), 'pod').measures(new Measures());
    },
  });
  const q = vector([{ pod: 'a' }, '1']), queries = { q };
  const one = { object: 'a', value: 1, time: 1 };
  const check = (fixture) => told(() => { checkFixture(plugin, fixture); throw 'passed'; });
  const brings = { own: { promql: 'up' } };
  assert.equal(check({ queries, namespace: 'n', expect: { measures: [one] } }), 'passed');
  assert.equal(check({ queries, brings, expect: { measures: [one] } }), 'passed');
  assert.equal(check({ queries, config: { fail: true }, expect: { failure: 'wh' } }), 'passed');
  assert.equal(check({ config: { x: 1 }, expect: { faults: ['/x'] } }), 'passed');
  assert.match(check({ queries, expect: { measures: [{ ...one, value: 2 }] } }), /expected \[.*"value":2.*\n.*found .*"value":1/s);
  assert.match(check({ queries, expect: { measures: [] } }), /expected \[\]/);
  assert.match(check({ queries, brings: {}, expect: { measures: [one] } }), /expected \{\}\n.*found .*"own"/s);
  assert.match(check({ queries, expect: { failure: 'x' } }), /expected a failure, found/);
  assert.match(check({ queries, config: { fail: true }, expect: { failure: 'other' } }), /the failure "why" does not contain "other"/);
  assert.match(check({ queries, config: { fail: true }, expect: { measures: [] } }), /failed: why/);
  assert.match(check({ expect: { faults: ['/x'] } }), /the configuration was accepted/);
  assert.match(check({ config: { x: 1 }, expect: { measures: [] } }), /the configuration was refused: \/x: unknown key/);
  assert.match(check({ expect: {} }), /one of measures, failure and faults/);
  assert.match(check({ expect: { measures: [], failure: 'x' } }), /one of measures, failure and faults/);
  assert.match(check({ query: {}, expect: { measures: [] } }), /the fixture has the key "query"/);
  assert.match(check({ expect: { measures: [{ obj: 1 }] } }), /a measure has the key "obj"/);
  assert.match(check({ queries: { q: { resultType: 'vectors', result: [] } }, expect: { measures: [] } }), /query "q": unknown resultType "vectors"/);
  assert.match(check({ queries: { q: vector([{}, 'x']) }, expect: { measures: [] } }), /the sample value "x" is not a number/);
});
