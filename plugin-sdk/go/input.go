package plugin

import (
	"fmt"
	"iter"
	"strings"
)

// Input is everything one evaluation is made from.
type Input struct {
	texts     dictionary
	namespace string
	cluster   bool
	answers   []Answer
	objects   *objects
	now       int64
}

// Namespace is the namespace whose objects the evaluation is for. It is false where the scope is the
// cluster: there each measure of a namespaced object must name its namespace.
func (in *Input) Namespace() (string, bool) { return in.namespace, !in.cluster }

// Now is when the evaluation began, in milliseconds since the epoch. Plugins have no other clock.
func (in *Input) Now() int64 { return in.now }

// String reads a text.
func (in *Input) String(text Text) string { return in.texts.get(text) }

// Answers are all answers, in the order of the mapping's queries.
func (in *Input) Answers() []Answer { return in.answers }

// Answer is the answer of the query with this name.
func (in *Input) Answer(query string) (*Answer, error) {
	known := make([]string, 0, len(in.answers))
	for i := range in.answers {
		if in.answers[i].query == query {
			return &in.answers[i], nil
		}
		known = append(known, quoted(in.answers[i].query))
	}
	return nil, Failf("the mapping has no query named \"%s\"; it has %s", query, listed(known, "none"))
}

// Only is the answer of the mapping's only query, whatever its name.
func (in *Input) Only() (*Answer, error) {
	if len(in.answers) != 1 {
		return nil, Failf("this plugin works on one query, and the mapping has %d", len(in.answers))
	}
	return &in.answers[0], nil
}

// Objects are the objects that exist in the scope. There are none unless the [Plan] asks for them.
func (in *Input) Objects() iter.Seq[Object] {
	return func(yield func(Object) bool) {
		if in.objects == nil {
			return
		}
		for row := range in.objects.names {
			if !yield(Object{in, row}) {
				return
			}
		}
	}
}

// labels are columns: the label names[c] of row r is cells[c*rows+r].
type labels struct {
	names []Text
	rows  int
	cells []Text
}

func (l *labels) column(in *Input, name string) Column {
	for at, text := range l.names {
		if in.texts.get(text) == name {
			return Column(at + 1)
		}
	}
	return 0
}

func (l *labels) at(row int, column Column) Text {
	at := (int(column)-1)*l.rows + row
	if column == 0 || at >= len(l.cells) {
		return 0
	}
	return l.cells[at]
}

// Column is a label of an answer, found once for all of its series. The zero value is a label that
// no series has.
type Column int

// Pair is a label: its name and its value.
type Pair struct{ Name, Value Text }

func (l *labels) pairs(row int) iter.Seq[Pair] {
	return func(yield func(Pair) bool) {
		for at, name := range l.names {
			if value := l.at(row, Column(at+1)); value != 0 && !yield(Pair{name, value}) {
				return
			}
		}
	}
}

type objects struct {
	names, namespaces, addresses []Text
	labels                       labels
}

// Object is an object that exists in the scope.
type Object struct {
	in  *Input
	row int
}

// Name is the object's name.
func (o Object) Name() Text { return o.in.objects.names[o.row] }

// Namespace is the object's namespace, 0 for objects that live in none.
func (o Object) Namespace() Text { return cell(o.in.objects.namespaces, o.row) }

// Address is where the object can be reached, as the IP address of a pod; 0 where that is not known,
// or the [Plan] does not ask for it.
func (o Object) Address() Text { return cell(o.in.objects.addresses, o.row) }

// Label is the value of one of the object's labels, 0 where it is not set.
func (o Object) Label(name string) Text {
	l := &o.in.objects.labels
	return l.at(o.row, l.column(o.in, name))
}

// Key is the object as the key of a value.
func (o Object) Key() ObjectKey { return ObjectKey{Namespace: o.Namespace(), Name: o.Name()} }

func cell(column []Text, row int) Text {
	if row >= len(column) {
		return 0
	}
	return column[row]
}

func quoted(text string) string { return fmt.Sprintf("\"%s\"", text) }

func listed(texts []string, none string) string {
	if len(texts) == 0 {
		return none
	}
	return strings.Join(texts, ", ")
}
