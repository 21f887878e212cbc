// The examples against the fixtures of the plugins that they are ports of, and their own.

import { describe } from 'node:test';

import { fixtures } from 'leadsman-plugin/testing';

import external from '../examples/external/plugin.ts';
import byAddress from '../examples/by-address/plugin.ts';
import perObject from '../examples/per-object/plugin.ts';
import ratio from '../examples/ratio/plugin.js';
import trend from '../examples/trend/plugin.ts';

const shared = (name) => new URL(`../../../plugins/${name}/fixtures`, import.meta.url);
const own = (name) => new URL(`../examples/${name}/fixtures`, import.meta.url);

describe('ratio', () => fixtures(ratio, shared('ratio')));
describe('per-object', () => fixtures(perObject, shared('per-object')));
describe('external', () => fixtures(external, shared('external')));
describe('by-address', () => fixtures(byAddress, own('by-address')));
describe('trend', () => fixtures(trend, own('trend')));
