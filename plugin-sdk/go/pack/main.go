// Command pack writes the SDK as a module that `go get` takes from a folder, without a network:
//
//	go run ./pack FOLDER
//
// in the folder of the SDK. FOLDER is laid out as a module proxy, which GOPROXY names.
package main

import (
	"archive/zip"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	module  = "leadsman.dev/plugin-sdk/go"
	version = "v0.1.0"
)

// What is of the repository and not of the module.
var without = []string{"BUILD.md", "examples", "pack", "template", "tests"}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go run ./pack FOLDER, in the folder of the SDK")
		os.Exit(2)
	}
	if err := pack(".", os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "pack:", err)
		os.Exit(1)
	}
}

// pack writes the module in a folder as a proxy has it.
func pack(sdk, proxy string) error {
	manifest, err := os.ReadFile(filepath.Join(sdk, "go.mod"))
	if err != nil {
		return err
	}
	if !strings.HasPrefix(string(manifest), "module "+module+"\n") {
		return fmt.Errorf("%s is not the folder of the SDK: its go.mod is of another module", sdk)
	}
	folder := filepath.Join(proxy, filepath.FromSlash(module), "@v")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	archive, err := os.Create(filepath.Join(folder, version+".zip"))
	if err != nil {
		return err
	}
	defer archive.Close()
	if err := compress(sdk, zip.NewWriter(archive)); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"list":            version + "\n",
		version + ".info": fmt.Sprintf("{\"Version\": %q}\n", version),
		version + ".mod":  string(manifest),
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return archive.Close()
}

// compress writes the files of the module, in the order of their names and without times.
func compress(sdk string, to *zip.Writer) error {
	err := filepath.WalkDir(sdk, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(sdk, path)
		if err != nil {
			return err
		}
		if slices.Contains(without, name) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		return add(to, filepath.ToSlash(name), path)
	})
	if err != nil {
		return err
	}
	// It is that of the repository.
	license := filepath.Join(sdk, "../../LICENSE")
	if err := add(to, "LICENSE", license); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return to.Close()
}

func add(to *zip.Writer, name, path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	header := &zip.FileHeader{Name: module + "@" + version + "/" + name, Method: zip.Deflate}
	file, err := to.CreateHeader(header)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return err
}
