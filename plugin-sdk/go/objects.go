package plugin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"leadsman.dev/plugin-sdk/go/log"
)

// NamespaceLabel names the namespace where a plugin's configuration does not say.
const NamespaceLabel = "namespace"

// ObjectSource says which object a series stands for, as written in a plugin's configuration: a
// label, or one object for all series.
type ObjectSource struct {
	// Label holds the object's name; empty for a fixed object.
	Label string
	// Fixed is the object of every series; nil if a label names it.
	Fixed *FixedObject
}

// FixedObject is an object named in a plugin's configuration.
type FixedObject struct {
	Name      string  `json:"name" doc:"The object's name."`
	Namespace *string `json:"namespace" doc:"The object's namespace. Left out for the namespace that the read is for."`
}

// JSONSchema is a string or an object.
func (*ObjectSource) JSONSchema() map[string]any {
	fixed := schemaOf(reflect.TypeFor[FixedObject]())
	fixed["description"] = "The same object for every series."
	return map[string]any{"anyOf": []any{
		map[string]any{"type": "string", "description": "The label that holds the object's name."}, fixed,
	}}
}

// UnmarshalJSON reads a string or an object.
func (s *ObjectSource) UnmarshalJSON(text []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(text), []byte{'"'}) {
		return json.Unmarshal(text, &s.Label)
	}
	fixed := new(FixedObject)
	if faults := decode(text, reflect.ValueOf(fixed).Elem()); len(faults) > 0 {
		return Fault{"", "expected a label, or an object with `name` and `namespace`: " + faults[0].String()}
	}
	s.Fixed = fixed
	return nil
}

// Combine says what to do when several series meet one object.
type Combine string

// The ways to combine. The empty string is [Fail].
const (
	// Fail refuses: the query should give one series for each object.
	Fail Combine = "fail"
	// Sum adds the values.
	Sum Combine = "sum"
	// Max takes the largest value.
	Max Combine = "max"
	// Min takes the smallest value.
	Min Combine = "min"
	// Average takes the mean of the values.
	Average Combine = "average"
	// Omit leaves the object out, unless all values are the same.
	Omit Combine = "omit"
	// First takes the value of the first series, in the order of their labels.
	First Combine = "first"
)

var combines = []string{"fail", "sum", "max", "min", "average", "omit", "first"}

// JSONSchema lists the ways.
func (*Combine) JSONSchema() map[string]any {
	return map[string]any{"type": "string", "enum": combines}
}

// UnmarshalJSON reads one of the ways.
func (c *Combine) UnmarshalJSON(text []byte) error {
	var name string
	if err := json.Unmarshal(text, &name); err != nil {
		return err
	}
	if !slices.Contains(combines, name) {
		return Fault{"", unknownVariant(name, combines)}
	}
	*c = Combine(name)
	return nil
}

// ObjectKey is which object a value is for. Those of one input may be compared with each other.
type ObjectKey struct {
	// Namespace is 0 if no series names it.
	Namespace Text
	// Name is 0 for a fixed object.
	Name Text
	// Fixed is the object that the configuration names; nil if a label does.
	Fixed *FixedObject
}

// Measure adds a value for this object.
func (k ObjectKey) Measure(m *Measures, value float64) Measure {
	if k.Fixed == nil {
		return withNamespace(m.Object(k.Name, value), k.Namespace)
	}
	measure := withNamespace(m.Object(m.Text(k.Fixed.Name), value), k.Namespace)
	if k.Namespace == 0 && k.Fixed.Namespace != nil {
		measure.Namespace(m.Text(*k.Fixed.Namespace))
	}
	return measure
}

func withNamespace(measure Measure, namespace Text) Measure {
	if namespace != 0 {
		measure.Namespace(namespace)
	}
	return measure
}

// String is the object's name.
func (k ObjectKey) String(in *Input) string {
	if k.Fixed != nil {
		return k.Fixed.Name
	}
	return in.String(k.Name)
}

// ObjectValue is a value for an object, made from one or more series.
type ObjectValue struct {
	// Object is the object.
	Object ObjectKey
	// Value is the value.
	Value float64
	// Time is when the oldest of its samples was taken, in milliseconds since the epoch.
	Time int64

	count, first int
	// Its series do not agree, and there is no saying which of them is right.
	disputed bool
}

// Measure adds this value to measures.
func (v *ObjectValue) Measure(m *Measures) Measure { return v.Object.Measure(m, v.Value).At(v.Time) }

// ByObject finds the object of each series of an instant vector and combines those that meet.
//
// namespace is the label with the object's namespace. Where the scope is the cluster it is
// [NamespaceLabel] if nil, and no label if it is empty: objects that live in no namespace are by their
// name alone. Where the scope is a namespace, series that name another one by it are passed over. A
// series without the object's label belongs to no object and is passed over, as Prometheus has such
// series for targets outside of Kubernetes; it is a failure only if every series lacks it.
func ByObject(a *Answer, source *ObjectSource, namespace *string, combine Combine) ([]ObjectValue, error) {
	// Of another type of answer, the labels say nothing.
	if err := a.expect(Vector); err != nil {
		return nil, err
	}
	finder, err := NewObjectFinder(a, source, namespace)
	if err != nil {
		return nil, err
	}
	return Combined(a, combine, func(series Series) (ObjectKey, Sample, bool) {
		object, ok := finder.Object(series)
		return object, series.Sample(), ok
	})
}

// Combined combines the samples that meet one object: those that a function makes of series, each
// with its object. A series of which it makes none is passed over.
func Combined(a *Answer, combine Combine, of func(Series) (ObjectKey, Sample, bool)) ([]ObjectValue, error) {
	all, err := a.Series()
	if err != nil {
		return nil, err
	}
	values := make([]ObjectValue, 0, a.Len())
	places := indexes{texts: len(a.in.texts.ends)}
	for series := range all {
		object, sample, ok := of(series)
		if !ok {
			continue
		}
		at := places.of(object, len(values))
		if at == len(values) {
			values = append(values, ObjectValue{
				Object: object, Value: sample.Value, Time: sample.Time, count: 1, first: series.row,
			})
		} else if err := values[at].add(a, series.row, sample, combine); err != nil {
			return nil, err
		}
	}
	switch combine {
	case Average:
		for at := range values {
			values[at].Value /= float64(values[at].count)
		}
	case Omit:
		values = slices.DeleteFunc(values, func(value ObjectValue) bool { return value.disputed })
	}
	return values, nil
}

func (v *ObjectValue) add(a *Answer, row int, sample Sample, combine Combine) error {
	other := sample.Value
	switch combine {
	case First:
		if slices.Compare(order(a, row), order(a, v.first)) < 0 {
			v.first, v.Value, v.Time = row, sample.Value, sample.Time
		}
		return nil
	case Sum, Average:
		v.Value += other
	case Max:
		// NaN is kept, so that it is refused where it can be explained and never hidden.
		if other > v.Value || math.IsNaN(other) {
			v.Value = other
		}
	case Min:
		if other < v.Value || math.IsNaN(other) {
			v.Value = other
		}
	case Omit:
		if !v.disputed && math.Float64bits(other) != math.Float64bits(v.Value) {
			log.Warnf("several series are for the object \"%s\" and do not agree, so it is left out; "+
				"aggregate them in the query: %s", v.Object.String(a.in), a.query)
			v.disputed = true
		}
	default:
		return FailQueryf(a.query, "several series are for the object \"%s\"; aggregate them in the query, "+
			"or set `combine` to sum, max, min, average, first or omit", v.Object.String(a.in))
	}
	v.Time = min(v.Time, sample.Time)
	v.count++
	return nil
}

// order tells which of two series comes first, whatever their order in the answer.
func order(a *Answer, row int) []string {
	var pairs [][2]string
	for pair := range a.labels.pairs(row) {
		pairs = append(pairs, [2]string{a.in.String(pair.Name), a.in.String(pair.Value)})
	}
	slices.SortFunc(pairs, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	var flat []string
	for _, pair := range pairs {
		flat = append(flat, pair[:]...)
	}
	return flat
}

// indexes has the place of each object among the values so far. Nearly always an object is one text
// of the input, so that an array indexed by the text's number finds it without hashing.
type indexes struct {
	texts  int
	byName []uint32
	others map[ObjectKey]int
}

func (i *indexes) of(object ObjectKey, next int) int {
	if object.Namespace == 0 && object.Fixed == nil && int(object.Name) < i.texts {
		if i.byName == nil {
			i.byName = make([]uint32, i.texts)
		}
		place := &i.byName[object.Name]
		if *place == 0 {
			*place = uint32(next) + 1
		}
		return int(*place) - 1
	}
	if found, ok := i.others[object]; ok {
		return found
	}
	if i.others == nil {
		i.others = map[ObjectKey]int{}
	}
	i.others[object] = next
	return next
}

// ObjectFinder finds the object of each series of an answer, as [ByObject] does.
type ObjectFinder struct {
	in        *Input
	column    Column
	fixed     *FixedObject
	namespace Column
	// The label by which series name another namespace than the one that is asked for.
	elsewhere Column
}

// NewObjectFinder is for the series of an answer. Fails if there are some and none has the label that
// names the object.
func NewObjectFinder(a *Answer, source *ObjectSource, namespace *string) (*ObjectFinder, error) {
	f := &ObjectFinder{in: a.in, fixed: source.Fixed}
	label := NamespaceLabel
	if namespace != nil {
		label = *namespace
	}
	switch {
	case label == "":
	case a.in.cluster:
		f.namespace = a.Column(label)
	case namespace != nil:
		f.elsewhere = a.Column(label)
	}
	if source.Fixed != nil {
		return f, nil
	}
	if f.column = a.Column(source.Label); f.column == 0 && a.Len() > 0 {
		present := listed(labelNames(a.in, Series{a, 0}), "none")
		return nil, FailQueryf(a.query, "no series has the label \"%s\" that names the object (labels of the "+
			"first series: %s); keep it in the query's by (…), or set `object` to another label", source.Label, present)
	}
	return f, nil
}

// Object is the object of a series of the answer; false if it is for none, or for one of another
// namespace.
func (f *ObjectFinder) Object(series Labelled) (ObjectKey, bool) {
	if named := series.At(f.elsewhere); named != 0 && f.in.String(named) != f.in.namespace {
		return ObjectKey{}, false
	}
	// Objects that live in no namespace have no such label.
	key := ObjectKey{Namespace: series.At(f.namespace), Fixed: f.fixed}
	if f.fixed != nil {
		// Where the configuration does not name the namespace, series of several namespaces are for
		// several objects of the name.
		if f.fixed.Namespace != nil {
			key.Namespace = 0
		}
		return key, true
	}
	key.Name = series.At(f.column)
	return key, key.Name != 0
}

// Target is what a series is for: an object, or an item of an external metric.
type Target struct {
	in *Input
	// Key tells targets of one input apart: use it as the key of a map.
	Key string
	// Object is the object, if it is one.
	Object ObjectKey
	// Labels are those of an item, in the order of their names.
	Labels []Pair
	item   bool
}

// Measure adds a value for it.
func (t Target) Measure(m *Measures, value float64) Measure {
	if !t.item {
		return t.Object.Measure(m, value)
	}
	measure := m.Item(value)
	for _, pair := range t.Labels {
		measure.Label(pair.Name, pair.Value)
	}
	return measure
}

// String is how messages call it.
func (t Target) String() string {
	if !t.item {
		return fmt.Sprintf("the object %q", t.Object.String(t.in))
	}
	labels := make([]string, len(t.Labels))
	for at, pair := range t.Labels {
		labels[at] = fmt.Sprintf("%s=%q", t.in.String(pair.Name), t.in.String(pair.Value))
	}
	return "the item {" + strings.Join(labels, ", ") + "}"
}

// NoLabels is an item without labels, as a scalar gives one.
func NoLabels(in *Input) Target { return Target{in: in, item: true, Key: fmt.Sprint([]Pair(nil))} }

// Targets finds what the series of an answer are for, by the rules of [ByObject] for objects.
type Targets struct {
	in      *Input
	finder  *ObjectFinder
	without []string
}

// NewTargets is for an answer: with a source its series are for objects, without they are items. The
// labels in without do not tell items apart, as `le` of the buckets of a histogram; the name of the
// series never does. Fails if there are series and none has the object's label.
func NewTargets(a *Answer, source *ObjectSource, namespace *string, without ...string) (*Targets, error) {
	t := &Targets{in: a.in, without: without}
	if source == nil {
		return t, nil
	}
	var err error
	t.finder, err = NewObjectFinder(a, source, namespace)
	return t, err
}

// Of is what a series is for: false if it lacks the object's label, or is of another namespace.
func (t *Targets) Of(series Labelled) (Target, bool) {
	target := Target{in: t.in}
	if t.finder != nil {
		object, ok := t.finder.Object(series)
		target.Object = object
		target.Key = fmt.Sprintf("%d/%d", object.Namespace, object.Name)
		return target, ok
	}
	target.item = true
	for pair := range series.Labels() {
		if name := t.in.String(pair.Name); name != "__name__" && !slices.Contains(t.without, name) {
			target.Labels = append(target.Labels, pair)
		}
	}
	slices.SortFunc(target.Labels, func(a, b Pair) int {
		return strings.Compare(t.in.String(a.Name), t.in.String(b.Name))
	})
	target.Key = fmt.Sprint(target.Labels)
	return target, true
}
