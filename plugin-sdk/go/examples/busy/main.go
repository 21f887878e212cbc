// Command busy is a plugin that says how busy each pod is.
package main

import (
	plugin "leadsman.dev/plugin-sdk/go"
)

// Config is what a mapping has under `config`.
type Config struct {
	Workers int `json:"workers" minimum:"1" doc:"How many workers a pod has."`
}

func busy(config *Config, in *plugin.Input) (*plugin.Measures, error) {
	answer, err := in.Answer("busy")
	if err != nil {
		return nil, err
	}
	series, err := answer.Series()
	if err != nil {
		return nil, err
	}
	measures := plugin.NewMeasures(in)
	for s := range series {
		pod, err := s.Require("pod")
		if err != nil {
			return nil, err
		}
		measures.Object(pod, s.Value()/float64(config.Workers)).At(s.Time())
	}
	return measures, nil
}

// Plugin is the plugin of this program.
var Plugin = plugin.Export(plugin.About{
	Name: "busy", Version: "0.1.0", Description: "How busy each pod is",
}, busy)

func main() {}
