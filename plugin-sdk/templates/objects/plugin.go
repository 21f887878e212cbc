// Command {{name}} is a plugin: {{about}}.
package main

import (
	plugin "leadsman.dev/plugin-sdk/go"
)

// Config is what a mapping has under `config`. Its tags make the schema that mappings are checked
// against.
type Config struct {
	Label string `json:"label" default:"app" doc:"The label that series and pods have in common."`
}

// Plugin is the plugin of this program.
var Plugin = plugin.ExportWithPlan(plugin.About{
	Name:        "{{name}}",
	Version:     "0.1.0",
	Description: "{{About}}",
}, evaluate, plan)

func main() {}

// plan runs when a configuration is loaded: what is wrong is told then, with its line. It asks for the
// pods that exist, with the one label that is needed.
func plan(c *Config, context *plugin.Context) (*plugin.Plan, []plugin.Fault) {
	faults := plugin.Faults(context.ServedIn(plugin.Custom), context.OnlyInstant())
	return &plugin.Plan{Objects: &plugin.ObjectColumns{Labels: []string{c.Label}}}, faults
}

// evaluate gives each pod its share of what its app has to do.
func evaluate(c *Config, in *plugin.Input) (*plugin.Measures, error) {
	// Texts of one input are equal if their numbers are. The text 0 stands for no label.
	pods := map[plugin.Text][]plugin.ObjectKey{}
	for pod := range in.Objects() {
		if app := pod.Label(c.Label); app != 0 {
			pods[app] = append(pods[app], pod.Key())
		}
	}
	answer, err := in.Only()
	if err != nil {
		return nil, err
	}
	series, err := answer.Series()
	if err != nil {
		return nil, err
	}
	measures := plugin.NewMeasures(in)
	for backlog := range series {
		app, err := backlog.Require(c.Label)
		if err != nil {
			return nil, err
		}
		share := backlog.Value() / float64(len(pods[app]))
		for _, pod := range pods[app] {
			pod.Measure(measures, share).At(backlog.Time())
		}
	}
	return measures, nil
}
