// Package plugin makes a Leadsman plugin of one function that turns the answers of queries into a
// value for each object.
//
// A plugin is an ordinary Go program with an empty main. Built for GOOS=wasip1 with
// -buildmode=c-shared, which is what `leadsman plugin build` does, it becomes a component that
// Leadsman loads into its sandbox; built natively it is plain Go, so `go test` and a debugger work as
// they always do.
//
//	type Config struct {
//		Workers int `json:"workers" doc:"How many workers a pod has."`
//	}
//
//	func busy(config *Config, in *plugin.Input) (*plugin.Measures, error) {
//		answer, err := in.Answer("busy")
//		if err != nil {
//			return nil, err
//		}
//		series, err := answer.Series()
//		if err != nil {
//			return nil, err
//		}
//		measures := plugin.NewMeasures(in)
//		for s := range series {
//			pod, err := s.Require("pod")
//			if err != nil {
//				return nil, err
//			}
//			measures.Object(pod, s.Value()/float64(config.Workers)).At(s.Time())
//		}
//		return measures, nil
//	}
//
//	var Plugin = plugin.Export(plugin.About{
//		Name: "busy", Version: "0.1.0", Description: "How busy each pod is",
//	}, busy)
//
//	func main() {}
//
// Every call runs on a fresh instance: nothing that a call leaves in a variable is seen by another.
// There is no clock but [Input.Now], and there are no files and no network. Package plugintest runs
// JSON fixtures against a plugin under `go test`.
package plugin
