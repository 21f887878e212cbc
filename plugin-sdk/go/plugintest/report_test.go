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
