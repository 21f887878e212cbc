package plugin

import (
	"encoding/json"
	"reflect"
)

// About is what a plugin says of itself.
type About struct {
	// Name, Version and Description are shown by `leadsman plugin inspect` and in logs.
	Name, Version, Description string
}

// Plugin is the plugin of a program, as the adapter sees it: JSON configuration in, columns in,
// columns out.
type Plugin struct {
	about     About
	schema    func() map[string]any
	configure func(config []byte, context *Context) (*Plan, []Fault)
	evaluate  func(config []byte, in *Input) (*Measures, error)
}

// exported is the plugin of this program.
var exported *Plugin

// Export makes a function the plugin of this program. C is the configuration: a struct whose tags
// describe its keys (see [Schemer] for other types). Call it once, for a package variable.
func Export[C any](about About, evaluate func(*C, *Input) (*Measures, error)) *Plugin {
	return ExportWithPlan(about, evaluate, func(*C, *Context) (*Plan, []Fault) { return nil, nil })
}

// ExportWithPlan is for a plugin that checks its configuration further, looks at the mapping around
// it, or brings queries of its own. A plan of nil asks for nothing.
func ExportWithPlan[C any](
	about About,
	evaluate func(*C, *Input) (*Measures, error),
	plan func(*C, *Context) (*Plan, []Fault),
) *Plugin {
	read := func(config []byte) (*C, []Fault) {
		c := new(C)
		return c, decode(config, reflect.ValueOf(c).Elem())
	}
	p := &Plugin{about: about, schema: func() map[string]any { return schemaOf(reflect.TypeFor[C]()) }}
	p.configure = func(config []byte, context *Context) (*Plan, []Fault) {
		c, faults := read(config)
		if len(faults) > 0 {
			return nil, faults
		}
		return plan(c, context)
	}
	p.evaluate = func(config []byte, in *Input) (*Measures, error) {
		c, faults := read(config)
		if len(faults) > 0 {
			return nil, Failf("%s", faults[0])
		}
		return evaluate(c, in)
	}
	exported = p
	return p
}

// About is what the plugin says of itself.
func (p *Plugin) About() About { return p.about }

// Schema is the JSON schema of its configuration.
func (p *Plugin) Schema() json.RawMessage {
	schema := p.schema()
	schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	text, err := json.Marshal(schema)
	if err != nil {
		// Only a default or a bound in a tag of the configuration that is no JSON.
		panic("the configuration's tags: " + err.Error())
	}
	return text
}

// Configure checks a configuration, given as JSON, with the mapping around it.
func (p *Plugin) Configure(config []byte, context *Context) (plan *Plan, faults []Fault) {
	defer func() {
		if reason := recover(); reason != nil {
			plan, faults = nil, []Fault{{"", panicked(reason)}}
		}
	}()
	plan, faults = p.configure(config, context)
	if plan == nil {
		plan = new(Plan)
	}
	return plan, faults
}

// Evaluate turns answers into measures. A panic becomes a failure with the line of the source that it
// came from.
func (p *Plugin) Evaluate(config []byte, in *Input) (measures *Measures, err error) {
	defer func() {
		if reason := recover(); reason != nil {
			measures, err = nil, &Failure{Message: panicked(reason)}
		}
	}()
	measures, err = p.evaluate(config, in)
	if err == nil && measures == nil {
		return NewMeasures(in), nil
	}
	return measures, err
}
