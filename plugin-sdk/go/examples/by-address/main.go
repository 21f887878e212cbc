// Command by-address is a plugin whose series name pods by their address alone. It asks for the pods
// with their addresses and one label, and leaves out pods that are not of the app.
package main

import (
	"strings"

	plugin "leadsman.dev/plugin-sdk/go"
)

// Config says where the address stands.
type Config struct {
	Label string `json:"label" default:"instance" doc:"The label with the address, with or without a port."`
	App   string `json:"app,omitempty" doc:"Only pods whose label app has this value."`
}

// Plugin is the plugin of this program.
var Plugin = plugin.ExportWithPlan(plugin.About{
	Name: "by-address", Version: "0.1.0", Description: "The value of each pod, whose address series have",
}, evaluate, plan)

func main() {}

func plan(_ *Config, context *plugin.Context) (*plugin.Plan, []plugin.Fault) {
	faults := plugin.Faults(
		context.ServedIn(plugin.Custom),
		context.OnlyInstant(),
		plugin.FaultAt(context.ServedFor == "pods", "", "only pods have addresses, and this metric is for %s", context.ServedFor),
	)
	return &plugin.Plan{Objects: &plugin.ObjectColumns{Labels: []string{"app"}, Addresses: true}}, faults
}

func evaluate(c *Config, in *plugin.Input) (*plugin.Measures, error) {
	pods := map[string]plugin.ObjectKey{}
	for object := range in.Objects() {
		if address := object.Address(); address != 0 && (c.App == "" || in.String(object.Label("app")) == c.App) {
			pods[in.String(address)] = object.Key()
		}
	}
	answer, err := in.Only()
	if err != nil {
		return nil, err
	}
	values, err := plugin.Combined(answer, plugin.Sum, func(s plugin.Series) (plugin.ObjectKey, plugin.Sample, bool) {
		address, _, _ := strings.Cut(in.String(s.Label(c.Label)), ":")
		pod, ok := pods[address]
		return pod, s.Sample(), ok
	})
	if err != nil {
		return nil, err
	}
	measures := plugin.NewMeasures(in)
	for _, value := range values {
		value.Measure(measures)
	}
	return measures, nil
}
