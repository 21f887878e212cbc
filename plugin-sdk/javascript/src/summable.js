// What may be made of the metrics of an NSX ALB controller, as the adapter has it.

const STARTS = ['pct_', 'apdex', 'max_', 'min_', 'health_score', 'avg_health', 'avg_server_count'];
const WITHIN = ['_pool_', 'latency', 'response_time', 'rtt', '_pct', 'apdex', 'health_score'];

function parts(metric) {
  const dot = metric.indexOf('.');
  return dot < 0 ? { family: '', name: metric } : { family: metric.slice(0, dot), name: metric.slice(dot + 1) };
}

/**
 * Whether values of a metric may be added, over servers or over pools: connections, rates and bytes
 * may; averages, latencies, percentages, maxima and scores give a number that means nothing.
 */
export function mayBeSummed(metric) {
  const { family, name } = parts(metric);
  return family !== 'apdex'
    && !isHealthScore(metric)
    && !STARTS.some((start) => name.startsWith(start))
    && !WITHIN.some((part) => name.includes(part));
}

/** Whether a metric is a score of health, which weighs other values and is no load itself. */
export function isHealthScore(metric) {
  return ['healthscore', 'health_score'].includes(metric.split('.')[0]);
}
