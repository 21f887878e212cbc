package plugin

import "iter"

// Kind is the type of an answer.
type Kind uint8

// The types of answers.
const (
	Vector Kind = iota
	Matrix
	Scalar
	String
)

func (k Kind) String() string {
	return [...]string{"an instant vector", "a range matrix", "a scalar", "a string"}[k]
}

// Answer is what one query was answered with.
type Answer struct {
	in       *Input
	query    string
	kind     Kind
	labels   labels
	ends     []uint32
	times    []int64
	values   []float64
	text     Text
	unit     string
	warnings []string
}

// Query is the query's name.
func (a *Answer) Query() string { return a.query }

// Kind is the type of the answer.
func (a *Answer) Kind() Kind { return a.kind }

// Input is what the answer belongs to.
func (a *Answer) Input() *Input { return a.in }

// Unit is what the values are counted in, if the source says so, in its own words: `count`,
// `percent`, `milliseconds`, `bits_per_second`. Empty if it does not; Prometheus says nothing of it.
func (a *Answer) Unit() string { return a.unit }

// Warnings is what the source warned of.
func (a *Answer) Warnings() []string { return a.warnings }

func (a *Answer) expect(kind Kind) error {
	if a.kind == kind {
		return nil
	}
	return FailQueryf(a.query, "expected %s, and the answer is %s", kind, a.kind)
}

// Len is the number of series of an instant vector or a range matrix, and 0 for other answers.
func (a *Answer) Len() int {
	switch a.kind {
	case Vector:
		return len(a.values)
	case Matrix:
		return len(a.ends)
	default:
		return 0
	}
}

// Series are the series of an instant vector. Fails if the answer has another type.
func (a *Answer) Series() (iter.Seq[Series], error) {
	if err := a.expect(Vector); err != nil {
		return nil, err
	}
	return func(yield func(Series) bool) {
		for row := range a.values {
			if !yield(Series{a, row}) {
				return
			}
		}
	}, nil
}

// Ranges are the series of a range query. Fails if the answer has another type.
func (a *Answer) Ranges() (iter.Seq[Range], error) {
	if err := a.expect(Matrix); err != nil {
		return nil, err
	}
	return func(yield func(Range) bool) {
		for row := range a.ends {
			if !yield(Range{a, row}) {
				return
			}
		}
	}, nil
}

// Scalar is the sample of a scalar. Fails if the answer has another type.
func (a *Answer) Scalar() (Sample, error) {
	if err := a.expect(Scalar); err != nil {
		return Sample{}, err
	}
	return Sample{a.times[0], a.values[0]}, nil
}

// Text is the text of a string result. Fails if the answer has another type.
func (a *Answer) Text() (string, error) {
	if err := a.expect(String); err != nil {
		return "", err
	}
	return a.in.String(a.text), nil
}

// Column finds a label once, for plugins that read it of many series; 0 if no series has it.
func (a *Answer) Column(label string) Column { return a.labels.column(a.in, label) }

// Sample is a value and when it was taken.
type Sample struct {
	// Time is in milliseconds since the epoch.
	Time int64
	// Value may be NaN or infinite, as it came.
	Value float64
}

// Labelled is a series of an answer of either type, as far as its labels go.
type Labelled interface {
	// Label is the value of a label, 0 where it is not set.
	Label(name string) Text
	// At is the value of a label that was found with [Answer.Column] of the same answer.
	At(column Column) Text
	// Labels are all labels that are set.
	Labels() iter.Seq[Pair]
}

// Series is one series of an instant vector.
type Series struct {
	answer *Answer
	row    int
}

// Label is the value of a label, 0 where it is not set.
func (s Series) Label(name string) Text { return s.At(s.answer.Column(name)) }

// At is the value of a label that was found with [Answer.Column] of the same answer.
func (s Series) At(column Column) Text { return s.answer.labels.at(s.row, column) }

// Labels are all labels that are set.
func (s Series) Labels() iter.Seq[Pair] { return s.answer.labels.pairs(s.row) }

// Require is the value of a label that every series must have.
func (s Series) Require(name string) (Text, error) { return require(s.answer, s, name) }

// Value is the sample's value. It may be NaN or infinite, as it came.
func (s Series) Value() float64 { return s.answer.values[s.row] }

// Time is when the sample was taken, in milliseconds since the epoch.
func (s Series) Time() int64 { return s.answer.times[s.row] }

// Sample is both.
func (s Series) Sample() Sample { return Sample{s.Time(), s.Value()} }

// Range is one series of a range query.
type Range struct {
	answer *Answer
	row    int
}

// Label is the value of a label, 0 where it is not set.
func (r Range) Label(name string) Text { return r.At(r.answer.Column(name)) }

// At is the value of a label that was found with [Answer.Column] of the same answer.
func (r Range) At(column Column) Text { return r.answer.labels.at(r.row, column) }

// Labels are all labels that are set.
func (r Range) Labels() iter.Seq[Pair] { return r.answer.labels.pairs(r.row) }

// Require is the value of a label that every series must have.
func (r Range) Require(name string) (Text, error) { return require(r.answer, r, name) }

// Times are the times of the samples in milliseconds since the epoch, oldest first. Not to be changed.
func (r Range) Times() []int64 {
	from, to := r.span()
	return r.answer.times[from:to]
}

// Values are the values of the samples, oldest first. Not to be changed.
func (r Range) Values() []float64 {
	from, to := r.span()
	return r.answer.values[from:to]
}

func (r Range) span() (uint32, uint32) {
	from := uint32(0)
	if r.row > 0 {
		from = r.answer.ends[r.row-1]
	}
	return from, r.answer.ends[r.row]
}

func require(a *Answer, series Labelled, name string) (Text, error) {
	if found := series.Label(name); found != 0 {
		return found, nil
	}
	return 0, FailQueryf(a.query,
		"a series has no label \"%s\" (it has %s); keep the label in the query's by (…)",
		name, listed(labelNames(a.in, series), "no labels"))
}

func labelNames(in *Input, series Labelled) []string {
	var names []string
	for pair := range series.Labels() {
		names = append(names, in.String(pair.Name))
	}
	return names
}
