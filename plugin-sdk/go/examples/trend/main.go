// Command trend is a plugin that brings a range query of its own and gives each pod the mean of its
// samples.
package main

import (
	"time"

	plugin "leadsman.dev/plugin-sdk/go"
)

// Config says what is asked.
type Config struct {
	Series string `json:"series" doc:"The name of the series in Prometheus."`
	Window string `json:"window" default:"5m" doc:"Over which time the mean is taken."`
}

// Plugin is the plugin of this program.
var Plugin = plugin.ExportWithPlan(plugin.About{
	Name: "trend", Version: "0.1.0", Description: "The mean of each pod's samples over a window",
}, evaluate, plan)

func main() {}

var object = plugin.ObjectSource{Label: "pod"}

func plan(c *Config, context *plugin.Context) (*plugin.Plan, []plugin.Fault) {
	window, err := plugin.ParseDuration(c.Window)
	if err != nil {
		return nil, []plugin.Fault{{Path: "/window", Message: err.Error()}}
	}
	query := `sum by (pod) (` + c.Series + `{namespace="${namespace}"})`
	return &plugin.Plan{Queries: []plugin.Query{
		plugin.RangeQuery("history", query, window, 30*time.Second),
	}}, plugin.Faults(context.ServedIn(plugin.Custom))
}

func evaluate(c *Config, in *plugin.Input) (*plugin.Measures, error) {
	answer, err := in.Answer("history")
	if err != nil {
		return nil, err
	}
	ranges, err := answer.Ranges()
	if err != nil {
		return nil, err
	}
	targets, err := plugin.NewTargets(answer, &object, nil)
	if err != nil {
		return nil, err
	}
	window, err := plugin.ParseDuration(c.Window)
	if err != nil {
		return nil, err
	}
	measures := plugin.NewMeasures(in)
	for r := range ranges {
		target, ok := targets.Of(r)
		if !ok || len(r.Values()) == 0 {
			continue
		}
		sum := 0.0
		for _, value := range r.Values() {
			sum += value
		}
		times := r.Times()
		target.Measure(measures, sum/float64(len(times))).At(times[len(times)-1]).Window(window)
	}
	return measures, nil
}
