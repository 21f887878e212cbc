//go:build wasip1

package plugin

import "unsafe"

// The canonical ABI of wit/plugin.wit by hand: GOARCH=wasm has pointers of 64 bits, so that no struct
// of Go has the layout of a record. The numbers below are the offsets that the ABI gives to each field;
// lists are views of memory, not copies.

// blocks are what the adapter has put into this memory: they stay alive until the instance ends, which
// is after this call.
var blocks [][]uint64

//go:wasmexport cabi_realloc
func reallocate(old, size, _, wanted uint32) uint32 {
	if wanted <= size {
		return old
	}
	block := make([]uint64, (uint64(wanted)+7)/8)
	blocks = append(blocks, block)
	at := unsafe.Pointer(unsafe.SliceData(block))
	if size > 0 {
		copy(unsafe.Slice((*byte)(at), wanted), unsafe.Slice((*byte)(pointer(old)), size))
	}
	return uint32(uintptr(at))
}

func pointer(at uint32) unsafe.Pointer { return unsafe.Pointer(uintptr(at)) }

func read[T any](at uint32) T { return *(*T)(pointer(at)) }

// list views the items of a list whose pointer and length are at a place.
func list[T any](at uint32) []T { return view[T](read[uint32](at), read[uint32](at+4)) }

func view[T any](first, length uint32) []T {
	if length == 0 {
		return nil
	}
	return unsafe.Slice((*T)(pointer(first)), length)
}

func readString(at uint32) string { return string(list[byte](at)) }

func readLabels(at uint32) labels {
	return labels{list[Text](at), int(read[uint32](at + 8)), list[Text](at + 12)}
}

// readAnswer reads a record of 88 bytes.
func readAnswer(at uint32, in *Input) Answer {
	a := Answer{in: in, query: readString(at), kind: Kind(read[uint8](at + 8))}
	switch data := at + 16; a.kind {
	case Vector:
		a.labels, a.times, a.values = readLabels(data), list[int64](data+20), list[float64](data+28)
	case Matrix:
		a.labels, a.ends = readLabels(data), list[uint32](data+20)
		a.times, a.values = list[int64](data+28), list[float64](data+36)
	case Scalar:
		a.times, a.values = view[int64](data, 1), view[float64](data+8, 1)
	case String:
		a.times, a.text = view[int64](data, 1), read[Text](data+8)
	}
	if read[uint8](at+64) != 0 {
		a.unit = readString(at + 68)
	}
	warnings, count := read[uint32](at+76), read[uint32](at+80)
	for w := range count {
		a.warnings = append(a.warnings, readString(warnings+w*8))
	}
	return a
}

func readInput(at uint32) *Input {
	in := &Input{now: read[int64](at + 88)}
	in.texts = dictionary{list[byte](at), list[uint32](at + 8)}
	if read[uint8](at+16) == 0 {
		in.namespace = readString(at + 20)
	} else {
		in.cluster = true
	}
	first, count := read[uint32](at+28), read[uint32](at+32)
	in.answers = make([]Answer, count)
	for n := range count {
		in.answers[n] = readAnswer(first+n*88, in)
	}
	if read[uint8](at+36) != 0 {
		of := at + 40
		in.objects = &objects{
			names: list[Text](of), namespaces: list[Text](of + 8), labels: readLabels(of + 16),
			addresses: list[Text](of + 36),
		}
	}
	return in
}

// record is memory that goes back to the adapter.
type record uint32

// kept is what records point to.
var kept []any

func newRecord(size uint32) record { return record(reallocate(0, 0, 8, max(size, 8))) }

func write[T any](r record, at uint32, value T) { *(*T)(pointer(uint32(r) + at)) = value }

func (r record) string(at uint32, text string) { putList(r, at, []byte(text)) }

func putList[T any](r record, at uint32, items []T) {
	if len(items) > 0 {
		kept = append(kept, items)
		write(r, at, uint32(uintptr(unsafe.Pointer(unsafe.SliceData(items)))))
	}
	write(r, at+4, uint32(len(items)))
}

// putRecords writes a list of records of a size.
func putRecords[T any](r record, at, size uint32, items []T, each func(record, T)) {
	if len(items) == 0 {
		return
	}
	first := newRecord(size * uint32(len(items)))
	for n, item := range items {
		each(first+record(uint32(n)*size), item)
	}
	write(r, at, uint32(first))
	write(r, at+4, uint32(len(items)))
}

//go:wasmexport describe
func describe() uint32 {
	p := current()
	r := newRecord(32)
	r.string(0, p.about.Name)
	r.string(8, p.about.Version)
	r.string(16, p.about.Description)
	r.string(24, string(p.Schema()))
	return uint32(r)
}

//go:wasmexport configure
func configure(config, length, api, isServed, served, servedLength, queries, count uint32) uint32 {
	context := Context{API: API(api)}
	if isServed != 0 {
		context.ServedFor = string(view[byte](served, servedLength))
	}
	for n := range count {
		at := queries + n*20
		context.Queries = append(context.Queries, OwnQuery{
			Name: readString(at), Range: read[uint8](at+8) != 0, Written: list[byte](at + 12),
		})
	}
	plan, faults := current().Configure(view[byte](config, length), &context)
	r := newRecord(32)
	if len(faults) > 0 {
		write[uint8](r, 0, 1)
		putRecords(r, 4, 16, faults, func(r record, fault Fault) {
			r.string(0, fault.Path)
			r.string(8, fault.Message)
		})
		return uint32(r)
	}
	putRecords(r, 4, 32, plan.Queries, putQuery)
	if asked := plan.Objects; asked != nil {
		write[uint8](r, 12, 1)
		if !asked.AllLabels {
			write[uint8](r, 16, 1)
			putRecords(r, 20, 8, asked.Labels, func(r record, label string) { r.string(0, label) })
		}
		write(r, 28, asked.Addresses)
	}
	return uint32(r)
}

func putQuery(r record, query Query) {
	r.string(0, query.Name)
	if query.keys != nil {
		write[uint8](r, 8, 1)
		r.string(12, string(query.written()))
		return
	}
	r.string(12, query.promql)
	if query.duration != 0 || query.step != 0 {
		write[uint8](r, 20, 1)
		write(r, 24, seconds(query.duration))
		write(r, 28, seconds(query.step))
	}
}

//go:wasmexport evaluate
func evaluate(at uint32) uint32 {
	r := newRecord(80)
	in := readInput(at + 8)
	measures, err := current().Evaluate(list[byte](at), in)
	if err != nil {
		failure := failureOf(err)
		write[uint8](r, 0, 1)
		r.string(4, failure.Message)
		if failure.Query != "" {
			write[uint8](r, 12, 1)
			r.string(16, failure.Query)
		}
		return uint32(r)
	}
	c := measures.columns()
	putList(r, 4, measures.texts.bytes)
	putList(r, 12, measures.texts.ends)
	putList(r, 20, c.objects)
	putList(r, 28, c.namespaces)
	putList(r, 36, measures.values)
	putList(r, 44, c.times)
	putList(r, 52, c.windows)
	putList(r, 60, c.labelNames)
	write(r, 68, uint32(len(measures.values)))
	putList(r, 72, c.labelCells)
	return uint32(r)
}

func current() *Plugin {
	if exported == nil {
		panic("this program has no plugin: call plugin.Export for a package variable")
	}
	return exported
}
