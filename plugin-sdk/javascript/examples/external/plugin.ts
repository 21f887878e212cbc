// External metrics: each series is an item, with its labels.

import { Measures, Failure, type Series, definePlugin, refuse, t } from 'leadsman-plugin';

export default definePlugin({
  name: 'external',
  about: 'Each series an item of an external metric',
  config: {
    labels: t.array(t.string()).optional()
      .describe("The labels to keep; all but the metric's name if left out. Selectors of an HPA pick items by these."),
    seriesName: t.boolean().default(false).describe('Keep the name of the series among all labels, as `__name__`.'),
    combine: t.combine().default('fail').describe('What to do when several series have the same values of these labels.'),
  },

  plan(_, context) {
    refuse(context.servedIn('external'), context.onlyInstant());
  },

  evaluate(input, config) {
    const answer = input.only();
    if (answer.isScalar) return new Measures().addItem({}, answer.scalar.value, { time: answer.scalar.time });
    const items = new Map<string, { labels: [string, string][], series: Series[] }>();
    for (const series of answer.series) {
      const labels = series.labels.filter(([name]) =>
        config.labels?.includes(name) ?? (config.seriesName || name !== '__name__')).sort();
      const key = JSON.stringify(labels), item = items.get(key);
      if (item === undefined) items.set(key, { labels, series: [series] });
      else item.series.push(series);
    }
    const measures = new Measures();
    for (const { labels, series } of items.values()) {
      const value = combined(config.combine, labels, series);
      const time = Math.min(...series.map((one) => one.time));
      if (value !== undefined) measures.addItem(labels, value, { time });
    }
    return measures;
  },
});

function combined(combine: t.Combine, labels: [string, string][], series: Series[]): number | undefined {
  const values = series.map(({ value }) => value);
  if (values.length === 1) return values[0];
  const sum = values.reduce((a, b) => a + b);
  switch (combine) {
    case 'sum': return sum;
    case 'average': return sum / values.length;
    case 'max': return Math.max(...values);
    // With the same labels one is as good as another: the smaller one, always.
    case 'min': case 'first': return Math.min(...values);
    case 'omit': return values.every((value) => Object.is(value, values[0])) ? values[0] : undefined;
    case 'fail': {
      const told = labels.map(([name, value]) => `${name}="${value}"`).join(', ');
      throw new Failure(
        `${values.length} series have ${told === '' ? 'no labels' : `the labels {${told}}`}; keep more \`labels\`, `
          + 'aggregate in the query, or set `combine` to sum, max, min, average or omit',
        { query: series[0]!.answer.query },
      );
    }
  }
}
