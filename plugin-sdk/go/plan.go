package plugin

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"
)

// Plan is what the plugin needs for a configuration: queries that it brings itself, and what it wants
// to see of the objects that exist. The zero value asks for nothing.
type Plan struct {
	// Queries are those that the plugin brings.
	Queries []Query
	// Objects are asked for unless it is nil.
	Objects *ObjectColumns
}

// ObjectColumns are what is asked of the objects.
type ObjectColumns struct {
	// Labels are the keys of the labels that are needed. All others seem not to be set.
	Labels []string
	// AllLabels asks for every label. Objects may have many: name those that are needed.
	AllLabels bool
	// Addresses asks for the addresses, which only pods have.
	Addresses bool
}

// Query is a query that a plugin brings itself.
type Query struct {
	// Name is its name.
	Name string

	promql         string
	duration, step time.Duration
	keys           map[string]any
}

// InstantQuery is an instant query in PromQL. `${namespace}` and `${selector}` are replaced in it as
// they are in a mapping's own queries.
func InstantQuery(name, promql string) Query { return Query{Name: name, promql: promql} }

// RangeQuery is a range query over the last duration, one sample each step. Both are rounded down to
// seconds.
func RangeQuery(name, promql string, duration, step time.Duration) Query {
	return Query{Name: name, promql: promql, duration: duration, step: step}
}

// WrittenQuery is a query to any kind of source, with the keys that a query of a mapping has. It is
// checked as one of a mapping is. Without `source` it goes where the mapping's `source` says.
func WrittenQuery(name string, keys map[string]any) Query {
	keys = maps.Clone(keys)
	if keys == nil {
		keys = map[string]any{}
	}
	return Query{Name: name, keys: keys}
}

// NsxAlbQuery is a query to an NSX ALB controller, with the keys of `nsxAlb` in a mapping's query.
func NsxAlbQuery(name string, nsxAlb map[string]any) Query {
	return WrittenQuery(name, map[string]any{"nsxAlb": nsxAlb})
}

// FromSource is the same to a source of this name, in place of the mapping's `source`. It has no
// effect on PromQL that is not a [WrittenQuery].
func (q Query) FromSource(source string) Query { return q.with("source", source) }

// MaxSampleAge is the same with samples of at most this age. It has no effect on PromQL that is not a
// [WrittenQuery].
func (q Query) MaxSampleAge(age time.Duration) Query {
	return q.with("maxSampleAge", fmt.Sprintf("%dms", age.Milliseconds()))
}

func (q Query) with(key string, value any) Query {
	if q.keys != nil {
		q.keys = maps.Clone(q.keys)
		q.keys[key] = value
	}
	return q
}

// Keys are what it asks, with the keys of a query of a mapping.
func (q Query) Keys() map[string]any {
	if q.keys != nil {
		return q.keys
	}
	keys := map[string]any{"promql": q.promql}
	if q.duration != 0 || q.step != 0 {
		whole := func(of time.Duration) string { return fmt.Sprintf("%ds", seconds(of)) }
		keys["range"] = map[string]any{"duration": whole(q.duration), "step": whole(q.step)}
	}
	return keys
}

// OwnQuery is a query that the mapping has already.
type OwnQuery struct {
	// Name is its name.
	Name string
	// Range says whether it is a range query, whose answer is a matrix.
	Range bool
	// Written is what it asks, as the mapping has it: JSON such as {"source": …, "promql": …}. nil if
	// that is not known.
	Written json.RawMessage
}

// Keys are what it asks.
func (q OwnQuery) Keys() map[string]any {
	var keys map[string]any
	// The adapter sends JSON; what it does not tell is not known.
	_ = json.Unmarshal(q.Written, &keys)
	return keys
}

// NsxAlb is what it asks of an NSX ALB controller; nil if it asks something else.
func (q OwnQuery) NsxAlb() map[string]any {
	asked, _ := q.Keys()["nsxAlb"].(map[string]any)
	return asked
}

// Beside is a query of the same source and the same age of samples, with another name, and for
// something else of an NSX ALB controller.
func (q OwnQuery) Beside(name string, nsxAlb map[string]any) Query {
	keys := map[string]any{"nsxAlb": nsxAlb}
	for _, key := range []string{"source", "maxSampleAge"} {
		if value, ok := q.Keys()[key]; ok {
			keys[key] = value
		}
	}
	return WrittenQuery(name, keys)
}

func (q Query) written() json.RawMessage {
	text, err := json.Marshal(q.keys)
	if err != nil {
		panic("the query \"" + q.Name + "\" is no JSON: " + err.Error())
	}
	return text
}
