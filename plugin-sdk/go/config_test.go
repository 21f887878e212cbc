package plugin

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

type sample struct {
	Workers int            `json:"workers" minimum:"1" doc:"How many workers a pod has."`
	Share   float64        `json:"share" default:"0.5" maximum:"1"`
	Object  *ObjectSource  `json:"object"`
	Combine Combine        `json:"combine" default:"fail"`
	Mode    string         `json:"mode" default:"omit" enum:"omit,zero"`
	Weights map[string]int `json:"weights"`
	Names   []string       `json:"names"`
}

func TestConfigurationsAreReadWithTheirDefaults(t *testing.T) {
	var c sample
	text := `{"workers": 8, "object": {"name": "web"}, "weights": {"a/b": 2}, "names": ["x"]}`
	if faults := decode([]byte(text), reflect.ValueOf(&c).Elem()); len(faults) > 0 {
		t.Fatal(faults)
	}
	if c.Workers != 8 || c.Share != 0.5 || c.Combine != Fail || c.Mode != "omit" || c.Weights["a/b"] != 2 {
		t.Errorf("%+v", c)
	}
	if c.Object == nil || c.Object.Fixed == nil || c.Object.Fixed.Name != "web" || c.Names[0] != "x" {
		t.Errorf("%+v", c.Object)
	}
}

func TestAllFaultsOfAConfigurationAreToldWithTheirPlaces(t *testing.T) {
	for _, test := range []struct {
		config string
		faults []string
	}{
		{`{`, []string{": is not JSON: unexpected EOF"}},
		{`{} {}`, []string{": is more than one JSON value"}},
		{`[]`, []string{": invalid type: [], expected an object"}},
		{`{}`, []string{": missing field `workers`"}},
		{`{"workers": 0}`, []string{"/workers: must be at least 1"}},
		{`{"workers": "8", "share": 2, "mode": "none"}`, []string{
			"/workers: invalid type: \"8\", expected a whole number",
			"/share: must be at most 1",
			"/mode: unknown variant `none`, expected one of `omit`, `zero`",
		}},
		{`{"workers": 1, "workerz": 2}`, []string{"/workerz: unknown field `workerz`, expected one of `workers`, "}},
		{`{"workers": 1, "combine": "median"}`, []string{"/combine: unknown variant `median`, expected one of `fail`, `sum`"}},
		{`{"workers": 1, "object": 7}`, []string{"/object: expected a label, or an object with `name` and `namespace`"}},
		{`{"workers": 1, "weights": {"a/b": "x"}, "names": ["a", 1]}`, []string{
			"/weights/a~1b: invalid type: \"x\", expected a whole number",
			"/names/1: invalid type: 1, expected a string",
		}},
		{`{"workers": null}`, []string{"/workers: invalid type: null, expected a value"}},
	} {
		var c sample
		faults := decode([]byte(test.config), reflect.ValueOf(&c).Elem())
		if len(faults) != len(test.faults) {
			t.Errorf("%s: %q", test.config, faults)
			continue
		}
		for at, fault := range faults {
			if told := fault.Path + ": " + fault.Message; !strings.HasPrefix(told, test.faults[at]) {
				t.Errorf("%s: %q, expected %q", test.config, told, test.faults[at])
			}
		}
	}
}

func TestTheSchemaIsThatOfTheTypes(t *testing.T) {
	p := Export(About{}, func(*sample, *Input) (*Measures, error) { return nil, nil })
	var schema struct {
		Required   []string
		Properties map[string]map[string]any
		Additional bool `json:"additionalProperties"`
	}
	if err := json.Unmarshal(p.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(schema.Required, []string{"workers"}) || schema.Additional {
		t.Errorf("%+v", schema)
	}
	workers := map[string]any{"type": "integer", "minimum": 1.0, "description": "How many workers a pod has."}
	if !reflect.DeepEqual(schema.Properties["workers"], workers) {
		t.Errorf("%v", schema.Properties["workers"])
	}
	if mode := schema.Properties["mode"]; mode["default"] != "omit" || len(mode["enum"].([]any)) != 2 {
		t.Errorf("%v", mode)
	}
}

func TestDurations(t *testing.T) {
	for text, expected := range map[string]time.Duration{
		"30s": 30 * time.Second, "1m30s": 90 * time.Second, "2h": 2 * time.Hour, "1w1d": 8 * 24 * time.Hour, "500ms": time.Second / 2,
	} {
		if found, err := ParseDuration(text); err != nil || found != expected {
			t.Errorf("%s: %v, %v", text, found, err)
		}
	}
	for _, text := range []string{"", "5", "s", "5 s", "-5s", "1.5s", "5y", "99999999999999999999s", "9223372036854775807ms"} {
		if found, err := ParseDuration(text); err == nil || !strings.Contains(err.Error(), "is not a duration such as 30s") {
			t.Errorf("%q: %v, %v", text, found, err)
		}
	}
}
