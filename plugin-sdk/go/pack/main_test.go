package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The packed module is all that a project needs, on a machine without a network.
func TestAProjectTakesThePackedModuleFromAFolder(t *testing.T) {
	proxy, project := t.TempDir(), t.TempDir()
	if err := pack("..", proxy); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(project, os.DirFS("../examples/busy")); err != nil {
		t.Fatal(err)
	}
	environment := append(os.Environ(), "GOPROXY=file://"+proxy, "GONOSUMDB=leadsman.dev",
		"GOMODCACHE="+t.TempDir(), "GOFLAGS=-modcacherw", "GOWORK=off")
	for _, line := range []string{
		"mod init example.com/busy", "get " + module + "@" + version, "vet ./...", "test ./...",
	} {
		command := exec.Command("go", strings.Fields(line)...)
		command.Dir, command.Env = project, environment
		if said, err := command.CombinedOutput(); err != nil {
			t.Fatalf("go %s: %v\n%s", line, err, said)
		}
	}
}

func TestTheSameSourcesGiveTheSamePackage(t *testing.T) {
	packed := func() []byte {
		proxy := t.TempDir()
		if err := pack("..", proxy); err != nil {
			t.Fatal(err)
		}
		archive, err := os.ReadFile(filepath.Join(proxy, module, "@v", version+".zip"))
		if err != nil {
			t.Fatal(err)
		}
		return archive
	}
	if !bytes.Equal(packed(), packed()) {
		t.Error("the package is another one each time")
	}
}

func TestAnotherFolderIsRefused(t *testing.T) {
	if err := pack(t.TempDir(), t.TempDir()); err == nil {
		t.Error("a folder without a module is packed")
	}
}
