//go:build !wasip1

package plugin

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
)

// InputBuilder makes an [Input] for tests from what Prometheus answers.
type InputBuilder struct {
	texts interner
	in    *Input
	err   error
}

// BuildInput starts an input for a test: cluster scope, the epoch, no answers.
func BuildInput() *InputBuilder {
	b := &InputBuilder{in: &Input{cluster: true}}
	b.texts.intern("")
	return b
}

// Namespace sets the scope to a namespace.
func (b *InputBuilder) Namespace(name string) *InputBuilder {
	b.in.namespace, b.in.cluster = name, false
	return b
}

// Now sets when the evaluation began, in milliseconds since the epoch.
func (b *InputBuilder) Now(now int64) *InputBuilder {
	b.in.now = now
	return b
}

// Answer adds an answer, as the Prometheus HTTP API gives it: its whole body, or only its `data`.
// Beside `resultType`, `unit` may say what the values are counted in.
func (b *InputBuilder) Answer(query, text string) *InputBuilder {
	if err := b.answer(query, []byte(text)); err != nil && b.err == nil {
		b.err = fmt.Errorf("query \"%s\": %w", query, err)
	}
	return b
}

// point is `[1695018199.504, "1.5"]`.
type point struct {
	time  float64
	value string
}

func (p *point) UnmarshalJSON(text []byte) error {
	var parts [2]json.RawMessage
	if err := json.Unmarshal(text, &parts); err != nil {
		return err
	}
	if err := json.Unmarshal(parts[0], &p.time); err != nil {
		return err
	}
	return json.Unmarshal(parts[1], &p.value)
}

func (p point) sample() (int64, float64, error) {
	value, err := strconv.ParseFloat(p.value, 64)
	if err != nil {
		err = fmt.Errorf("the sample value \"%s\" is not a number", p.value)
	}
	return milliseconds(p.time), value, err
}

func milliseconds(seconds float64) int64 { return int64(math.Round(seconds * 1000)) }

func (b *InputBuilder) answer(query string, text []byte) error {
	var body struct {
		Data       json.RawMessage
		ResultType string
		Result     json.RawMessage
		Unit       string
	}
	if err := json.Unmarshal(text, &body); err != nil {
		return err
	}
	if body.Data != nil {
		if err := json.Unmarshal(body.Data, &body); err != nil {
			return err
		}
	}
	kinds := map[string]Kind{"vector": Vector, "matrix": Matrix, "scalar": Scalar, "string": String}
	kind, known := kinds[body.ResultType]
	if !known {
		return fmt.Errorf("unknown resultType \"%s\"", body.ResultType)
	}
	a := Answer{in: b.in, query: query, kind: kind, unit: body.Unit}
	if kind == String {
		var one point
		if err := json.Unmarshal(body.Result, &one); err != nil {
			return err
		}
		a.times, a.text = []int64{milliseconds(one.time)}, b.texts.intern(one.value)
		b.in.answers = append(b.in.answers, a)
		return nil
	}
	var items []struct {
		Metric map[string]string
		Value  point
		Values []point
	}
	var samples []point
	if kind == Scalar {
		samples = make([]point, 1)
		if err := json.Unmarshal(body.Result, &samples[0]); err != nil {
			return err
		}
	} else if err := json.Unmarshal(body.Result, &items); err != nil {
		return err
	}
	var rows []map[string]string
	for _, item := range items {
		rows = append(rows, item.Metric)
		if kind == Vector {
			samples = append(samples, item.Value)
		} else {
			samples = append(samples, item.Values...)
			a.ends = append(a.ends, uint32(len(samples)))
		}
	}
	for _, sample := range samples {
		time, value, err := sample.sample()
		if err != nil {
			return err
		}
		a.times, a.values = append(a.times, time), append(a.values, value)
	}
	a.labels = b.labels(rows)
	b.in.answers = append(b.in.answers, a)
	return nil
}

func (b *InputBuilder) labels(rows []map[string]string) labels {
	l := labels{rows: len(rows)}
	columns := map[string][]Text{}
	var names []string
	for at, row := range rows {
		for _, name := range slices.Sorted(maps.Keys(row)) {
			if columns[name] == nil {
				columns[name] = make([]Text, len(rows))
				names = append(names, name)
			}
			columns[name][at] = b.texts.intern(row[name])
		}
	}
	for _, name := range names {
		l.names = append(l.names, b.texts.intern(name))
		l.cells = append(l.cells, columns[name]...)
	}
	return l
}

// TestObject is an object that exists, for a test.
type TestObject struct {
	Namespace, Name string
	Labels          map[string]string
	// Address is empty where it is not known.
	Address string
}

// Objects sets the objects that exist in the scope.
func (b *InputBuilder) Objects(all ...TestObject) *InputBuilder {
	found := &objects{}
	var rows []map[string]string
	for _, object := range all {
		found.names = append(found.names, b.texts.intern(object.Name))
		found.namespaces = append(found.namespaces, b.texts.intern(object.Namespace))
		found.addresses = append(found.addresses, b.texts.intern(object.Address))
		rows = append(rows, object.Labels)
	}
	found.labels = b.labels(rows)
	b.in.objects = found
	return b
}

// Finish is the input, or what was wrong with the JSON of an answer.
func (b *InputBuilder) Finish() (*Input, error) {
	if b.err != nil {
		return nil, b.err
	}
	b.in.texts = b.texts.dictionary
	return b.in, nil
}
