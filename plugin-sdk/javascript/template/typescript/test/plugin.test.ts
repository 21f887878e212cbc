import { fixtures } from 'leadsman-plugin/testing';

import plugin from '../src/plugin.ts';

// Each file of fixtures/ is a test: answers of Prometheus, as curl prints them, and what comes of them.
fixtures(plugin, 'fixtures');
