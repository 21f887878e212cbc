// Command {{name}} is a plugin: {{about}}.
package main

import (
	plugin "leadsman.dev/plugin-sdk/go"
)

// Config is what a mapping has under `config`. Its tags make the schema that mappings are checked
// against.
type Config struct {
	Capacity float64 `json:"capacity" doc:"How much a pod can do at once."`
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
		context.OnlyInstant(),
		plugin.FaultAt(c.Capacity > 0, "/capacity", "must be above 0"),
	)
}

// evaluate turns the answer of the query into a value for each pod. Several series of one pod are added.
func evaluate(c *Config, in *plugin.Input) (*plugin.Measures, error) {
	answer, err := in.Only()
	if err != nil {
		return nil, err
	}
	busy, err := plugin.ByObject(answer, &pod, nil, plugin.Sum)
	if err != nil {
		return nil, err
	}
	measures := plugin.NewMeasures(in)
	for _, of := range busy {
		of.Object.Measure(measures, of.Value/c.Capacity).At(of.Time)
	}
	return measures, nil
}
