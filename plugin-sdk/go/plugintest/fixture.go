// Package plugintest runs fixtures against a plugin under `go test`: evaluations written down as JSON.
//
//	{
//	  "config": {"object": "pod"},
//	  "namespace": "default",
//	  "now": 1695018200,
//	  "queries": {
//	    "rate": {"resultType": "vector", "result": [
//	      {"metric": {"pod": "a"}, "value": [1695018199.504, "1.5"]}]}
//	  },
//	  "expect": {"measures": [{"object": "a", "value": 1.5, "time": 1695018199.504}]}
//	}
//
// queries holds what Prometheus answered, as `curl` prints it; beside resultType there may be a unit.
// expect is one of measures, failure (a part of the message) and faults (places in the
// configuration). Leave namespace out for the cluster scope, and add "serve": "external" for an
// external metric. objects lists what exists: [{"namespace": …, "name": …, "labels": {…}, "address": …}].
//
// For plugins that look at the mapping around them: resource are the objects that a custom metric is
// served for, and asked says what queries ask, by name, as the mapping has it. brings holds the queries
// that the plugin must bring itself, in the same form; their answers stand in queries, too.
package plugintest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	plugin "leadsman.dev/plugin-sdk/go"
)

type fixture struct {
	Serve     string                     `json:"serve"`
	Config    json.RawMessage            `json:"config"`
	Namespace *string                    `json:"namespace"`
	Now       float64                    `json:"now"`
	Queries   map[string]json.RawMessage `json:"queries"`
	Asked     map[string]json.RawMessage `json:"asked"`
	Brings    *map[string]any            `json:"brings"`
	Resource  string                     `json:"resource"`
	Objects   []object                   `json:"objects"`
	Expect    expect                     `json:"expect"`
}

type object struct {
	Namespace string            `json:"namespace"`
	Name      string            `json:"name"`
	Labels    map[string]string `json:"labels"`
	Address   string            `json:"address"`
}

type expect struct {
	Measures *[]measure `json:"measures"`
	Failure  *string    `json:"failure"`
	Faults   *[]string  `json:"faults"`
}

type measure struct {
	Object    string            `json:"object,omitempty"`
	Namespace string            `json:"namespace,omitempty"`
	Value     float64           `json:"value"`
	Time      *float64          `json:"time,omitempty"`
	Window    uint32            `json:"window,omitempty"`
	Labels    map[string]string `json:"labels,omitempty"`
}

// Fixtures runs each *.json of a folder as a subtest.
func Fixtures(t *testing.T, p *plugin.Plugin, folder string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatalf("%s holds no fixture", folder)
	}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) {
			err := Check(p, file)
			if err != nil {
				t.Errorf("%s: %v", file, err)
			}
			if err := report(name, err); err != nil {
				t.Error(err)
			}
		})
	}
}

// Check runs one fixture and says what differs.
func Check(p *plugin.Plugin, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var f fixture
	reader := json.NewDecoder(bytes.NewReader(text))
	reader.DisallowUnknownFields()
	if err := reader.Decode(&f); err != nil {
		return err
	}
	if _, err := reader.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one JSON value")
	}
	return f.check(p)
}

func (f *fixture) check(p *plugin.Plugin) error {
	if f.Serve != "" && f.Serve != "custom" && f.Serve != "external" {
		return fmt.Errorf("serve is %q, and should be custom or external", f.Serve)
	}
	given := 0
	for _, is := range []bool{f.Expect.Measures != nil, f.Expect.Failure != nil, f.Expect.Faults != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return errors.New("expect needs one of measures, failure and faults")
	}
	config := f.Config
	if len(config) == 0 || string(config) == "null" {
		config = []byte("{}")
	}
	plan, faults := p.Configure(config, f.context())
	if f.Expect.Faults != nil {
		if len(faults) == 0 {
			return errors.New("the configuration was accepted")
		}
		found := make([]string, len(faults))
		for at, fault := range faults {
			found[at] = fault.Path
		}
		return differs(same(*f.Expect.Faults, found), "faults", found)
	}
	if len(faults) > 0 {
		paths := make([]string, len(faults))
		for at, fault := range faults {
			paths[at] = fault.Path
		}
		return differs(fmt.Errorf("the configuration was refused: %v", faults), "faults", paths)
	}
	if f.Brings != nil {
		brought := map[string]any{}
		for _, query := range plan.Queries {
			brought[query.Name] = query.Keys()
		}
		if err := same(asJSON(*f.Brings), asJSON(brought)); err != nil {
			return err
		}
	}
	in, err := f.input()
	if err != nil {
		return err
	}
	measures, err := p.Evaluate(config, in)
	if f.Expect.Failure != nil {
		if err == nil {
			found := f.sorted(rows(measures))
			return differs(fmt.Errorf("expected a failure, found %v", found), "measures", found)
		}
		if !strings.Contains(err.Error(), *f.Expect.Failure) {
			reason := fmt.Errorf("the failure %q does not contain %q", err, *f.Expect.Failure)
			return differs(reason, "failure", err.Error())
		}
		return nil
	}
	if err != nil {
		return differs(fmt.Errorf("failed: %w", err), "failure", err.Error())
	}
	found, expected := f.sorted(rows(measures)), f.sorted(*f.Expect.Measures)
	for at := range min(len(found), len(expected)) {
		// A fixture may have what is served, as --bless writes it.
		if served(found[at].Value) == expected[at].Value {
			found[at].Value = expected[at].Value
		}
	}
	return differs(same(expected, found), "measures", found)
}

// served is a value as the adapter serves it: cut off at thousandths, and never 0 unless it is.
func served(value float64) float64 {
	exact := value * 1000
	milli := math.Round(exact)
	// A rounding error of the multiplication does not lose a thousandth.
	if math.Abs(exact-milli) > math.Abs(milli)*0x1p-51 {
		milli = math.Trunc(exact)
	}
	if milli == 0 && value != 0 {
		return math.Copysign(0.001, value)
	}
	return milli / 1000
}

func (f *fixture) context() *plugin.Context {
	context := &plugin.Context{}
	if f.Serve == "external" {
		context.API = plugin.External
	} else {
		context.ServedFor = f.resource()
	}
	for _, name := range slices.Sorted(maps.Keys(f.Queries)) {
		if f.Brings != nil {
			if _, brought := (*f.Brings)[name]; brought {
				continue
			}
		}
		var answer struct {
			ResultType string
			Data       struct{ ResultType string }
		}
		// An answer that is none is told where it is read.
		_ = json.Unmarshal(f.Queries[name], &answer)
		isRange := answer.ResultType == "matrix" || answer.Data.ResultType == "matrix"
		context.Queries = append(context.Queries, plugin.OwnQuery{Name: name, Range: isRange, Written: f.Asked[name]})
	}
	return context
}

// resource is what the metric is served for, where it matters to no one: pods, or nodes where no
// measure has a namespace. The adapter takes the same.
func (f *fixture) resource() string {
	if f.Resource != "" {
		return f.Resource
	}
	if f.Namespace == nil && f.Expect.Measures != nil &&
		!slices.ContainsFunc(*f.Expect.Measures, func(one measure) bool { return one.Namespace != "" }) {
		return "nodes"
	}
	return "pods"
}

func (f *fixture) input() (*plugin.Input, error) {
	builder := plugin.BuildInput().Now(int64(math.Round(f.Now * 1000)))
	if f.Namespace != nil {
		builder.Namespace(*f.Namespace)
	}
	for _, name := range slices.Sorted(maps.Keys(f.Queries)) {
		builder.Answer(name, string(f.Queries[name]))
	}
	if len(f.Objects) > 0 {
		all := make([]plugin.TestObject, len(f.Objects))
		for at, o := range f.Objects {
			all[at] = plugin.TestObject{Namespace: o.Namespace, Name: o.Name, Labels: o.Labels, Address: o.Address}
		}
		builder.Objects(all...)
	}
	return builder.Finish()
}

func rows(measures *plugin.Measures) []measure {
	var found []measure
	for _, row := range measures.Rows() {
		one := measure{
			Object: row.Object, Namespace: row.Namespace, Value: row.Value, Window: row.Window, Labels: row.Labels,
		}
		if row.Time != nil {
			seconds := float64(*row.Time) / 1000
			one.Time = &seconds
		}
		found = append(found, one)
	}
	return found
}

// sorted has measures in the order in which they are compared. The namespace of the fixture may be left
// out.
func (f *fixture) sorted(measures []measure) []measure {
	measures = slices.Clone(measures)
	for at := range measures {
		if f.Namespace != nil && measures[at].Namespace == *f.Namespace {
			measures[at].Namespace = ""
		}
	}
	key := func(m measure) []string {
		parts := []string{m.Namespace, m.Object}
		for _, name := range slices.Sorted(maps.Keys(m.Labels)) {
			parts = append(parts, name, m.Labels[name])
		}
		return parts
	}
	slices.SortFunc(measures, func(a, b measure) int {
		return cmp.Or(slices.Compare(key(a), key(b)), cmp.Compare(a.Value, b.Value))
	})
	return measures
}

func same(expected, found any) error {
	if reflect.DeepEqual(expected, found) || asText(expected) == asText(found) {
		return nil
	}
	return fmt.Errorf("\n  expected %s\n  found    %s", asText(expected), asText(found))
}

// asText is what is compared: an empty map of labels, or none, is the same.
func asText(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		// NaN and infinities are no JSON.
		return fmt.Sprintf("%+v", value)
	}
	if string(text) == "null" {
		return "[]"
	}
	return string(text)
}

// asJSON is a value as JSON reads it, so that numbers are of one type.
func asJSON(value any) any {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	var read any
	if err := json.Unmarshal(text, &read); err != nil {
		return err.Error()
	}
	return read
}
