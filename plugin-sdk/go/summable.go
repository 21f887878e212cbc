package plugin

import (
	"slices"
	"strings"
)

// MayBeSummed says whether values of a metric of an NSX ALB controller may be added, over servers or
// over pools: connections, rates and bytes may; averages, latencies, percentages, maxima and scores
// give a number that means nothing.
func MayBeSummed(metric string) bool {
	family, name, found := strings.Cut(metric, ".")
	if !found {
		family, name = "", metric
	}
	starts := []string{"pct_", "apdex", "max_", "min_", "health_score", "avg_health", "avg_server_count"}
	within := []string{"_pool_", "latency", "response_time", "rtt", "_pct", "apdex", "health_score"}
	return family != "apdex" && !IsHealthScore(metric) &&
		!slices.ContainsFunc(starts, func(start string) bool { return strings.HasPrefix(name, start) }) &&
		!slices.ContainsFunc(within, func(part string) bool { return strings.Contains(name, part) })
}

// IsHealthScore says whether a metric is a score of health, which weighs other values and is no load
// itself.
func IsHealthScore(metric string) bool {
	family, _, _ := strings.Cut(metric, ".")
	return family == "healthscore" || family == "health_score"
}
