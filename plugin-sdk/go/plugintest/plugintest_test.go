package plugintest

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func TestEachFixtureIsALineOfTheReport(t *testing.T) {
	path := filepath.Join(t.TempDir(), "report")
	t.Setenv(reportFile, path)
	if err := report("passed", nil); err != nil {
		t.Fatal(err)
	}
	differ := differs(errors.New("\n  other"), "faults", []string{"/a"})
	notANumber := differs(errors.New("no number"), "measures", []measure{{Value: math.NaN()}})
	for _, came := range []error{differ, notANumber, errors.New("no JSON")} {
		if err := report("failed", came); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"fixture":"passed","found":null,"reason":null}
{"fixture":"failed","found":{"faults":["/a"]},"reason":"other"}
{"fixture":"failed","found":null,"reason":"no number"}
{"fixture":"failed","found":null,"reason":"no JSON"}
`
	if string(text) != want {
		t.Errorf("found %s", text)
	}
}

func TestValuesAreServedAsTheAdapterDoesIt(t *testing.T) {
	for value, want := range map[float64]float64{
		1.0 / 3: 0.333, 2.0 / 3: 0.666, -2.0 / 3: -0.666, 0.029: 0.029, 0.0001: 0.001, -0.0001: -0.001, 0: 0, 12: 12,
	} {
		if found := served(value); found != want {
			t.Errorf("%v is served as %v, and should be %v", value, found, want)
		}
	}
	if found := served(math.NaN()); !math.IsNaN(found) {
		t.Errorf("not a number is served as %v", found)
	}
}
