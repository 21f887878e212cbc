// Command {{name}} is a plugin: {{about}}.
package main

import (
	plugin "leadsman.dev/plugin-sdk/go"
)

// Config is what a mapping has under `config`. Its tags make the schema that mappings are checked
// against.
type Config struct {
	Floor float64 `json:"floor" default:"1" doc:"The least that is divided by, so that a ratio of few requests does not jump."`
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
	return nil, plugin.Faults(
		context.ServedIn(plugin.Custom),
		context.Instant("errors"),
		context.Instant("requests"),
		plugin.FaultAt(c.Floor > 0, "/floor", "must be above 0"),
	)
}

// evaluate turns the answers of the queries into a value for each pod.
func evaluate(c *Config, in *plugin.Input) (*plugin.Measures, error) {
	errors, err := byPod(in, "errors")
	if err != nil {
		return nil, err
	}
	requests, err := byPod(in, "requests")
	if err != nil {
		return nil, err
	}
	failed := make(map[plugin.ObjectKey]plugin.ObjectValue, len(errors))
	for _, value := range errors {
		failed[value.Object] = value
	}
	measures := plugin.NewMeasures(in)
	for _, all := range requests {
		// What is missing is not zero: a pod without a series of errors has no value.
		if errors, ok := failed[all.Object]; ok {
			ratio := errors.Value / max(all.Value, c.Floor)
			all.Object.Measure(measures, ratio).At(min(errors.Time, all.Time))
		}
	}
	return measures, nil
}

func byPod(in *plugin.Input, query string) ([]plugin.ObjectValue, error) {
	answer, err := in.Answer(query)
	if err != nil {
		return nil, err
	}
	return plugin.ByObject(answer, &pod, nil, plugin.Fail)
}
