// Command external is a plugin for external metrics: each series is an item, with its labels. It does
// what the shipped plugin of the name does.
package main

import (
	"fmt"
	"math"
	"slices"
	"strings"

	plugin "leadsman.dev/plugin-sdk/go"
)

// Config says which labels the items carry.
type Config struct {
	Labels     *[]string      `json:"labels" doc:"The labels to keep; all but the metric's name if left out. Selectors of an HPA pick items by these."`
	SeriesName bool           `json:"seriesName" default:"false" doc:"Keep the name of the series among all labels, as __name__."`
	Combine    plugin.Combine `json:"combine" default:"fail" doc:"What to do when several series have the same values of these labels."`
}

// Plugin is the plugin of this program.
var Plugin = plugin.ExportWithPlan(plugin.About{
	Name:        "external",
	Version:     "0.1.0",
	Description: "External metrics: each series is an item, with its labels",
}, evaluate, plan)

func main() {}

func plan(_ *Config, context *plugin.Context) (*plugin.Plan, []plugin.Fault) {
	return nil, plugin.Faults(context.ServedIn(plugin.External), context.OnlyInstant())
}

// item is the series that have the same labels.
type item struct {
	labels []plugin.Pair
	values []float64
	oldest int64
}

func evaluate(c *Config, in *plugin.Input) (*plugin.Measures, error) {
	answer, err := in.Only()
	if err != nil {
		return nil, err
	}
	measures := plugin.NewMeasures(in)
	if answer.Kind() == plugin.Scalar {
		sample, err := answer.Scalar()
		measures.Item(sample.Value).At(sample.Time)
		return measures, err
	}
	series, err := answer.Series()
	if err != nil {
		return nil, err
	}
	var items []*item
	byLabels := map[string]*item{}
	for s := range series {
		labels := c.kept(in, s)
		key := fmt.Sprint(labels)
		found := byLabels[key]
		if found == nil {
			found = &item{labels: labels, oldest: s.Time()}
			byLabels[key] = found
			items = append(items, found)
		}
		found.values = append(found.values, s.Value())
		found.oldest = min(found.oldest, s.Time())
	}
	for _, one := range items {
		value, ok, err := c.combined(answer, one)
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		measure := measures.Item(value).At(one.oldest)
		for _, pair := range one.labels {
			measure.Label(pair.Name, pair.Value)
		}
	}
	return measures, nil
}

func (c *Config) kept(in *plugin.Input, s plugin.Series) []plugin.Pair {
	var kept []plugin.Pair
	for pair := range s.Labels() {
		name := in.String(pair.Name)
		keep := c.SeriesName || name != "__name__"
		if c.Labels != nil {
			keep = slices.Contains(*c.Labels, name)
		}
		if keep {
			kept = append(kept, pair)
		}
	}
	slices.SortFunc(kept, func(a, b plugin.Pair) int {
		return strings.Compare(in.String(a.Name), in.String(b.Name))
	})
	return kept
}

func (c *Config) combined(a *plugin.Answer, one *item) (float64, bool, error) {
	if len(one.values) == 1 {
		return one.values[0], true, nil
	}
	sum := 0.0
	for _, value := range one.values {
		sum += value
	}
	// A minimum that meets NaN is NaN, which the adapter refuses with its reason.
	fold := func(pick func(a, b float64) float64) float64 {
		folded := one.values[0]
		for _, value := range one.values[1:] {
			folded = pick(folded, value)
		}
		return folded
	}
	switch c.Combine {
	case plugin.Sum:
		return sum, true, nil
	case plugin.Average:
		return sum / float64(len(one.values)), true, nil
	case plugin.Max:
		return fold(math.Max), true, nil
	case plugin.Min, plugin.First:
		// They have the same labels, so that one is as good as another: the smaller one, always.
		return fold(math.Min), true, nil
	case plugin.Omit:
		for _, value := range one.values[1:] {
			if math.Float64bits(value) != math.Float64bits(one.values[0]) {
				return 0, false, nil
			}
		}
		return one.values[0], true, nil
	default:
		var labels []string
		for _, pair := range one.labels {
			labels = append(labels, fmt.Sprintf("%s=\"%s\"", a.Input().String(pair.Name), a.Input().String(pair.Value)))
		}
		with := "no labels"
		if len(labels) > 0 {
			with = "the labels {" + strings.Join(labels, ", ") + "}"
		}
		return 0, false, plugin.FailQueryf(a.Query(), "%d series have %s; keep more `labels`, aggregate in the "+
			"query, or set `combine` to sum, max, min, average or omit", len(one.values), with)
	}
}
