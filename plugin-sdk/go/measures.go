package plugin

import (
	"math"
	"time"
)

// Measures is what a plugin returns: one measure for each object, or for each item of an external
// metric.
type Measures struct {
	in         *Input
	texts      interner
	objects    []Text
	namespaces []Text
	values     []float64
	times      []int64
	windows    []uint32
	labelNames []Text
	labelCells [][]Text
}

// noTime stands for a time that the plugin did not give.
const noTime = math.MinInt64

// NewMeasures has no measures yet.
func NewMeasures(in *Input) *Measures { return &Measures{in: in} }

// Measure is a measure that was just added.
type Measure struct {
	of  *Measures
	row int
}

// Len is how many there are.
func (m *Measures) Len() int { return len(m.values) }

// Text makes a text of a string that the input does not have, such as the name of an object that is
// put together. Texts of the input cost less.
func (m *Measures) Text(text string) Text {
	if text == "" {
		return 0
	}
	return own | m.texts.intern(text)
}

// Object adds a value for the object with this name.
func (m *Measures) Object(name Text, value float64) Measure {
	m.objects = append(m.objects, name)
	m.values = append(m.values, value)
	m.times = append(m.times, noTime)
	return Measure{m, len(m.values) - 1}
}

// Item adds an item of an external metric.
func (m *Measures) Item(value float64) Measure { return m.Object(0, value) }

// Namespace names the object's namespace. Needed only where the scope is the cluster.
func (r Measure) Namespace(name Text) Measure {
	r.of.namespaces = padded(r.of.namespaces, r.row)
	r.of.namespaces[r.row] = name
	return r
}

// At says when the value was measured, in milliseconds since the epoch. Pass the samples' own time
// on: without it the value counts as measured when the evaluation began.
func (r Measure) At(time int64) Measure {
	r.of.times[r.row] = time
	return r
}

// Window says over which time the value was measured, rounded down to seconds.
func (r Measure) Window(window time.Duration) Measure {
	r.of.windows = padded(r.of.windows, r.row)
	r.of.windows[r.row] = seconds(window)
	return r
}

// Label adds a label to an item of an external metric.
func (r Measure) Label(name, value Text) Measure {
	column := -1
	for at, known := range r.of.labelNames {
		if known == name {
			column = at
			break
		}
	}
	if column < 0 {
		column = len(r.of.labelNames)
		r.of.labelNames = append(r.of.labelNames, name)
		r.of.labelCells = append(r.of.labelCells, nil)
	}
	r.of.labelCells[column] = padded(r.of.labelCells[column], r.row)
	r.of.labelCells[column][r.row] = value
	return r
}

// padded makes a column reach a row: it ends with the last row that has a value.
func padded[T any](column []T, row int) []T {
	for len(column) <= row {
		var zero T
		column = append(column, zero)
	}
	return column
}

func seconds(duration time.Duration) uint32 {
	whole := int64(duration / time.Second)
	return uint32(min(max(whole, 0), math.MaxUint32))
}

// Row is a measure as a test sees it.
type Row struct {
	// Object is the object's name; empty for an item of an external metric.
	Object string
	// Namespace is the namespace; empty if the plugin named none.
	Namespace string
	// Value is the value.
	Value float64
	// Time is in milliseconds since the epoch; nil if the plugin gave none.
	Time *int64
	// Window is in seconds; 0 if the plugin gave none.
	Window uint32
	// Labels are the labels of an external metric's item, by name.
	Labels map[string]string
}

// Rows are the measures row by row, for tests.
func (m *Measures) Rows() []Row {
	text := func(of Text) string {
		if of&own != 0 {
			return m.texts.get(of &^ own)
		}
		return m.in.String(of)
	}
	rows := make([]Row, len(m.values))
	for at := range rows {
		row := Row{
			Object: text(m.objects[at]), Namespace: text(cell(m.namespaces, at)),
			Value: m.values[at], Labels: map[string]string{},
		}
		if m.times[at] != noTime {
			row.Time = &m.times[at]
		}
		if at < len(m.windows) {
			row.Window = m.windows[at]
		}
		for column, name := range m.labelNames {
			if value := text(cell(m.labelCells[column], at)); value != "" {
				row.Labels[text(name)] = value
			}
		}
		rows[at] = row
	}
	return rows
}

// columns are the measures as they go back to the adapter.
type columns struct {
	objects, namespaces, labelNames, labelCells []Text
	times                                       []int64
	windows                                     []uint32
}

func (m *Measures) columns() columns {
	base := Text(len(m.in.texts.ends))
	number := func(text Text) Text {
		if text&own != 0 {
			return base + text&^own
		}
		return text
	}
	rows := len(m.values)
	// A column in which nobody filled anything stays empty.
	numbered := func(column []Text) []Text {
		filled := false
		for _, text := range column {
			filled = filled || text != 0
		}
		if !filled {
			return nil
		}
		column = padded(column, rows-1)
		for at := range column {
			column[at] = number(column[at])
		}
		return column
	}
	c := columns{objects: numbered(m.objects), namespaces: numbered(m.namespaces)}
	for at, cells := range m.labelCells {
		c.labelNames = append(c.labelNames, number(m.labelNames[at]))
		for _, cell := range padded(cells, rows-1) {
			c.labelCells = append(c.labelCells, number(cell))
		}
	}
	given := false
	for _, time := range m.times {
		given = given || time != noTime
	}
	if given {
		c.times = m.times
		for at := range c.times {
			if c.times[at] == noTime {
				c.times[at] = m.in.now
			}
		}
	}
	if len(m.windows) > 0 {
		c.windows = padded(m.windows, rows-1)
	}
	return c
}
