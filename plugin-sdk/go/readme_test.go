package plugin

import (
	"os"
	"os/exec"
	"path/filepath"
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

// The plan that the page on plugins in Go shows fits the SDK.
func TestThePlanOfThePageBuilds(t *testing.T) {
	page, err := os.ReadFile("../../docs/plugins-go.md")
	if err != nil {
		t.Skip("the page is in the repository alone: ", err)
	}
	var plan string
	for _, block := range strings.Split(string(page), "\n```go\n")[1:] {
		code, _, _ := strings.Cut(block, "\n```")
		if strings.HasPrefix(code, "func plan(") {
			plan = code
		}
	}
	if plan == "" {
		t.Fatal("the page has no plan")
	}
	sdk, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for name, text := range map[string]string{
		"go.mod": "module example.com/page\n\ngo 1.26\n\nrequire leadsman.dev/plugin-sdk/go v0.1.0\n\n" +
			"replace leadsman.dev/plugin-sdk/go => " + sdk + "\n",
		"main.go": "package main\n\nimport plugin \"leadsman.dev/plugin-sdk/go\"\n\n" +
			"type Config struct {\n\tFloor float64 `json:\"floor\"`\n}\n\n" +
			"func evaluate(_ *Config, in *plugin.Input) (*plugin.Measures, error) {\n" +
			"\treturn plugin.NewMeasures(in), nil\n}\n\n" +
			"var Plugin = plugin.ExportWithPlan(plugin.About{Name: \"page\"}, evaluate, plan)\n\n" +
			"func main() {}\n\n" + plan + "\n",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	command := exec.Command("go", "vet", ".")
	command.Dir = folder
	if said, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
}
