// Command {{name}} is a plugin: {{about}}.
package main

import (
	plugin "leadsman.dev/plugin-sdk/go"
)

// Config is what a mapping has under `config`. Its tags make the schema that mappings are checked
// against.
type Config struct {
	PerSecond float64 `json:"perSecond" doc:"How many messages are handled in a second."`
}

// Plugin is the plugin of this program.
var Plugin = plugin.ExportWithPlan(plugin.About{
	Name:        "{{name}}",
	Version:     "0.1.0",
	Description: "{{About}}",
}, evaluate, plan)

func main() {}

// plan runs when a configuration is loaded: what is wrong is told then, with its line.
func plan(c *Config, context *plugin.Context) (*plugin.Plan, []plugin.Fault) {
	return nil, plugin.Faults(
		context.ServedIn(plugin.External),
		context.OnlyInstant(),
		plugin.FaultAt(c.PerSecond > 0, "/perSecond", "must be above 0"),
	)
}

// evaluate makes an item of each queue. An HPA selects items by their labels and adds them up.
func evaluate(c *Config, in *plugin.Input) (*plugin.Measures, error) {
	answer, err := in.Only()
	if err != nil {
		return nil, err
	}
	series, err := answer.Series()
	if err != nil {
		return nil, err
	}
	measures := plugin.NewMeasures(in)
	for messages := range series {
		queue, err := messages.Require("queue")
		if err != nil {
			return nil, err
		}
		seconds := messages.Value() / c.PerSecond
		measures.Item(seconds).At(messages.Time()).Label(measures.Text("queue"), queue)
	}
	return measures, nil
}
