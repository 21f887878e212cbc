// Command per-object is a plugin that gives one value for each object: a label of each series names
// it. It does what the shipped plugin of the name does.
package main

import (
	plugin "leadsman.dev/plugin-sdk/go"
	"leadsman.dev/plugin-sdk/go/log"
)

// Config says which object each series is for.
type Config struct {
	Object    plugin.ObjectSource `json:"object" doc:"The label with the object's name, or a fixed object."`
	Namespace *string             `json:"namespace" doc:"The label with the object's namespace, namespace by default; empty for objects that live in none. When an evaluation is for one namespace, series that name another one by a label that is set here are passed over."`
	Combine   plugin.Combine      `json:"combine" default:"fail" doc:"What to do when several series meet one object."`
	Unnamed   string              `json:"unnamed" enum:"fail,omit" default:"fail" doc:"What to do when no series has the object's label."`
}

// Plugin is the plugin of this program.
var Plugin = plugin.ExportWithPlan(plugin.About{
	Name:        "per-object",
	Version:     "0.1.0",
	Description: "One value per object: a label of each series names its object",
}, evaluate, plan)

func main() {}

func plan(_ *Config, context *plugin.Context) (*plugin.Plan, []plugin.Fault) {
	return nil, plugin.Faults(context.ServedIn(plugin.Custom), context.OnlyInstant())
}

func evaluate(c *Config, in *plugin.Input) (*plugin.Measures, error) {
	answer, err := in.Only()
	if err != nil {
		return nil, err
	}
	measures := plugin.NewMeasures(in)
	label := c.Object.Label
	if c.Unnamed == "omit" && c.Object.Fixed == nil && answer.Kind() == plugin.Vector &&
		answer.Len() > 0 && answer.Column(label) == 0 {
		log.Warnf("no series has the label \"%s\" that names the object, so that no object has a value", label)
		return measures, nil
	}
	values, err := plugin.ByObject(answer, &c.Object, c.Namespace, c.Combine)
	if err != nil {
		return nil, err
	}
	for _, value := range values {
		value.Measure(measures)
	}
	return measures, nil
}
