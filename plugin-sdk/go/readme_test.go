package plugin

import (
	"os"
	"strings"
	"testing"
)

// The example of the README is one that is built and tested.
func TestTheExampleOfTheReadmeIsOne(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"main.go", "main_test.go", "fixtures/share.json"} {
		text, err := os.ReadFile("examples/busy/" + file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(readme), "\n"+string(text)+"```\n") {
			t.Errorf("%s is another one", file)
		}
	}
}
