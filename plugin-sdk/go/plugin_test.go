package plugin

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

type none struct{}

const pods = `{"resultType": "vector", "result": [
	{"metric": {"__name__": "x", "namespace": "shop", "pod": "a", "le": "1"}, "value": [1, "1"]},
	{"metric": {"namespace": "bank", "pod": "a", "le": "1"}, "value": [2, "2"]},
	{"metric": {"namespace": "shop", "pod": "a", "le": "2"}, "value": [3, "5"]},
	{"metric": {"le": "1"}, "value": [1, "3"]}]}`

func input(t *testing.T, namespace string) *Input {
	t.Helper()
	builder := BuildInput().Now(5000).Answer("q", pods)
	if namespace != "" {
		builder.Namespace(namespace)
	}
	in, err := builder.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return in
}

// byPod is namespace/object=value@time of what ByObject finds.
func byPod(t *testing.T, in *Input, source ObjectSource, namespace *string, combine Combine) []string {
	t.Helper()
	answer, err := in.Only()
	if err != nil {
		t.Fatal(err)
	}
	values, err := ByObject(answer, &source, namespace, combine)
	if err != nil {
		return []string{err.Error()}
	}
	measures := NewMeasures(in)
	for _, value := range values {
		value.Measure(measures)
	}
	var found []string
	for _, row := range measures.Rows() {
		found = append(found, fmt.Sprintf("%s/%s=%g@%d", row.Namespace, row.Object, row.Value, *row.Time))
	}
	return found
}

func TestSeriesMeetAtTheirObjects(t *testing.T) {
	pod, nothing, label := ObjectSource{Label: "pod"}, "", "namespace"
	bank := "bank"
	fixed := ObjectSource{Fixed: &FixedObject{Name: "web", Namespace: &bank}}
	for _, test := range []struct {
		scope     string
		source    ObjectSource
		namespace *string
		combine   Combine
		expected  []string
	}{
		{"", pod, nil, Sum, []string{"shop/a=6@1000", "bank/a=2@2000"}},
		{"", pod, nil, Max, []string{"shop/a=5@1000", "bank/a=2@2000"}},
		{"", pod, nil, Min, []string{"shop/a=1@1000", "bank/a=2@2000"}},
		{"", pod, nil, Average, []string{"shop/a=3@1000", "bank/a=2@2000"}},
		{"", pod, nil, Omit, []string{"bank/a=2@2000"}},
		{"", pod, nil, First, []string{"shop/a=1@1000", "bank/a=2@2000"}},
		{"", pod, &nothing, Sum, []string{"/a=8@1000"}},
		{"shop", pod, nil, Sum, []string{"/a=8@1000"}},
		{"shop", pod, &label, Sum, []string{"/a=6@1000"}},
		{"", fixed, nil, Sum, []string{"bank/web=11@1000"}},
		{"", pod, nil, Fail, []string{"query \"q\": several series are for the object \"a\"; aggregate them in the query, " +
			"or set `combine` to sum, max, min, average, first or omit"}},
		{"", ObjectSource{Label: "node"}, nil, Sum, []string{"query \"q\": no series has the label \"node\" that names the object " +
			"(labels of the first series: __name__, le, namespace, pod); keep it in the query's by (…), or set `object` to another label"}},
	} {
		if found := byPod(t, input(t, test.scope), test.source, test.namespace, test.combine); !reflect.DeepEqual(found, test.expected) {
			t.Errorf("%+v: %q", test, found)
		}
	}
}

func TestItemsMeetOnTheirLabels(t *testing.T) {
	in := input(t, "")
	answer, _ := in.Only()
	targets, err := NewTargets(answer, nil, nil, "le")
	if err != nil {
		t.Fatal(err)
	}
	series, _ := answer.Series()
	keys := map[string]int{}
	var called []string
	for s := range series {
		target, ok := targets.Of(s)
		if !ok {
			t.Error("an item is passed over")
		}
		keys[target.Key]++
		called = append(called, target.String())
	}
	if len(keys) != 3 || called[0] != `the item {namespace="shop", pod="a"}` || called[3] != "the item {}" {
		t.Errorf("%v %q", keys, called)
	}
}

func TestColumnsGoBackAsTheContractHasThem(t *testing.T) {
	in := input(t, "shop")
	texts := Text(len(in.texts.ends))
	m := NewMeasures(in)
	a := in.answers[0].labels.at(0, in.answers[0].Column("pod"))
	m.Object(a, 1)
	m.Object(m.Text("made"), 2).At(7).Namespace(m.Text("up")).Window(90 * 1e9)
	m.Item(math.NaN()).Label(m.Text("l"), a)
	c := m.columns()
	expected := columns{
		objects:    []Text{a, texts, 0},
		namespaces: []Text{0, texts + 1, 0},
		times:      []int64{5000, 7, 5000},
		windows:    []uint32{0, 90, 0},
		labelNames: []Text{texts + 2},
		labelCells: []Text{0, 0, a},
	}
	if !reflect.DeepEqual(c, expected) {
		t.Errorf("found %+v, expected %+v", c, expected)
	}
	if empty := NewMeasures(in).columns(); !reflect.DeepEqual(empty, columns{}) {
		t.Errorf("%+v", empty)
	}
}

func TestAFailureKeepsItsQueryAndAPanicItsLine(t *testing.T) {
	wrong := FailQueryf("q", "is %s", "wrong")
	if told := wrong.Error(); told != "query \"q\": is wrong" {
		t.Error(told)
	}
	if f := failureOf(wrong); f.Query != "q" || f.Message != "is wrong" {
		t.Errorf("%+v", f)
	}
	if f := failureOf(fmt.Errorf("while: %w", wrong)); f.Query != "" || f.Message != "while: query \"q\": is wrong" {
		t.Errorf("%+v", f)
	}
	p := Export(About{}, func(*none, *Input) (*Measures, error) { panic(errors.New("on purpose")) })
	if _, err := p.Evaluate([]byte("{}"), input(t, "")); err == nil || !strings.HasPrefix(err.Error(), "panic: on purpose") {
		t.Error(err)
	}
}

func TestAnswersOfAnotherTypeAreFailures(t *testing.T) {
	in, err := BuildInput().
		Answer("s", `{"status": "success", "data": {"resultType": "scalar", "result": [1.5, "2"]}}`).
		Answer("m", `{"resultType": "matrix", "unit": "count", "result": [{"metric": {"pod": "a"}, "values": [[1, "1"], [2, "NaN"]]}]}`).
		Answer("t", `{"resultType": "string", "result": [1, "text"]}`).Finish()
	if err != nil {
		t.Fatal(err)
	}
	s, _ := in.Answer("s")
	if sample, err := s.Scalar(); err != nil || sample != (Sample{1500, 2}) {
		t.Error(sample, err)
	}
	if _, err := s.Series(); err == nil || err.Error() != "query \"s\": expected an instant vector, and the answer is a scalar" {
		t.Error(err)
	}
	m, _ := in.Answer("m")
	ranges, _ := m.Ranges()
	for r := range ranges {
		if values := r.Values(); len(values) != 2 || !math.IsNaN(values[1]) || r.Times()[1] != 2000 || m.Unit() != "count" {
			t.Error(values, r.Times())
		}
		if _, err := r.Require("node"); err == nil || !strings.Contains(err.Error(), "a series has no label \"node\" (it has pod)") {
			t.Error(err)
		}
	}
	text, _ := in.Answer("t")
	if found, err := text.Text(); err != nil || found != "text" {
		t.Error(found, err)
	}
	if _, err := in.Answer("x"); err == nil || err.Error() != `the mapping has no query named "x"; it has "s", "m", "t"` {
		t.Error(err)
	}
	if _, err := in.Only(); err == nil {
		t.Error("three are not one")
	}
	for _, bad := range []string{"{", `{"resultType": "streams"}`, `{"resultType": "scalar", "result": [1, "x"]}`} {
		if _, err := BuildInput().Answer("q", bad).Finish(); err == nil {
			t.Error(bad)
		}
	}
}

func TestQueriesHaveTheKeysOfAMapping(t *testing.T) {
	own := OwnQuery{Written: []byte(`{"source": "lb", "maxSampleAge": "20m", "nsxAlb": {"entity": "pool", "metric": "a"}}`)}
	beside := own.Beside("health", own.NsxAlb()).Keys()
	expected := map[string]any{"source": "lb", "maxSampleAge": "20m", "nsxAlb": map[string]any{"entity": "pool", "metric": "a"}}
	if !reflect.DeepEqual(beside, expected) {
		t.Error(beside)
	}
	keys := map[string]any{"promql": "up"}
	written := WrittenQuery("q", keys).FromSource("p").MaxSampleAge(1500 * 1e6).Keys()
	if !reflect.DeepEqual(written, map[string]any{"promql": "up", "source": "p", "maxSampleAge": "1500ms"}) || len(keys) != 1 {
		t.Error(written, keys)
	}
	if (OwnQuery{Written: []byte("null")}).NsxAlb() != nil {
		t.Error("nothing is known of it")
	}
}

func TestWhatMayBeSummedIsToldFromWhatMustNot(t *testing.T) {
	for metric, expected := range map[string]bool{
		"l4_server.avg_open_conns": true, "l4_server.avg_bandwidth": true, "l4_client.avg_complete_conns": true,
		"l7_client.avg_total_requests": true, "l7_server.avg_total_requests": true, "l4_server.avg_rx_bytes": true,
		"l4_server.avg_pool_open_conns": false, "l4_server.pct_connection_saturation": false,
		"l4_server.avg_total_rtt": false, "l7_server.avg_resp_latency": false,
		"l7_server.avg_application_response_time": false, "l7_server.max_concurrent_sessions": false,
		"l7_server.apdexr": false, "l4_server.avg_server_count": false, "healthscore.health_score_value": false,
	} {
		if MayBeSummed(metric) != expected {
			t.Error(metric)
		}
	}
}
