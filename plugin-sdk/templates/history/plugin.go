// Command {{name}} is a plugin: {{about}}.
package main

import (
	"math"
	"time"

	plugin "leadsman.dev/plugin-sdk/go"
)

// Config is what a mapping has under `config`. Its tags make the schema that mappings are checked
// against.
type Config struct {
	HalfLife string `json:"halfLife" default:"1m" doc:"A sample that is older by this counts half as much."`
}

// Plugin is the plugin of this program.
var Plugin = plugin.ExportWithPlan(plugin.About{
	Name:        "{{name}}",
	Version:     "0.1.0",
	Description: "{{About}}",
}, evaluate, plan)

func main() {}

// The label pod names the object of each series.
var pod = plugin.ObjectSource{Label: "pod"}

// plan runs when a configuration is loaded: what is wrong is told then, with its line.
func plan(c *Config, context *plugin.Context) (*plugin.Plan, []plugin.Fault) {
	halfLife, err := plugin.ParseDuration(c.HalfLife)
	if err != nil {
		return nil, []plugin.Fault{{Path: "/halfLife", Message: err.Error()}}
	}
	return nil, plugin.Faults(
		context.ServedIn(plugin.Custom),
		context.OnlyRange(),
		plugin.FaultAt(halfLife > 0, "/halfLife", "must be above 0s"),
	)
}

// evaluate turns the samples of each pod into one value.
func evaluate(c *Config, in *plugin.Input) (*plugin.Measures, error) {
	halfLife, err := plugin.ParseDuration(c.HalfLife)
	if err != nil {
		return nil, err
	}
	answer, err := in.Only()
	if err != nil {
		return nil, err
	}
	ranges, err := answer.Ranges()
	if err != nil {
		return nil, err
	}
	targets, err := plugin.NewTargets(answer, &pod, nil)
	if err != nil {
		return nil, err
	}
	measures := plugin.NewMeasures(in)
	for samples := range ranges {
		target, ok := targets.Of(samples)
		times, values := samples.Times(), samples.Values()
		if !ok || len(times) == 0 {
			continue
		}
		first, last := times[0], times[len(times)-1]
		sum, weights := 0.0, 0.0
		for at, value := range values {
			weight := math.Exp2(-float64(last-times[at]) / float64(halfLife.Milliseconds()))
			sum += weight * value
			weights += weight
		}
		window := time.Duration(last-first) * time.Millisecond
		target.Measure(measures, sum/weights).At(last).Window(window)
	}
	return measures, nil
}
