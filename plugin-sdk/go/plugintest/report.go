package plugintest

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
)

// reportFile is the variable that names the file from which `leadsman plugin test` takes what came of
// each fixture, to show it beside what the component gives. It gets a line for each of them.
const reportFile = "LEADSMAN_FIXTURE_REPORT"

// difference is why a fixture did not pass, with what came, in the form of expect.
type difference struct {
	error
	found map[string]any
}

func differs(reason error, kind string, found any) error {
	if reason == nil {
		return nil
	}
	return &difference{reason, map[string]any{kind: found}}
}

// Unwrap gives the reason alone.
func (d *difference) Unwrap() error { return d.error }

// report tells what came of a fixture, if somebody asks for it.
func report(fixture string, came error) error {
	path := os.Getenv(reportFile)
	if path == "" {
		return nil
	}
	line := map[string]any{"fixture": fixture, "reason": nil, "found": nil}
	if came != nil {
		line["reason"] = strings.TrimSpace(came.Error())
	}
	if found := (*difference)(nil); errors.As(came, &found) {
		line["found"] = found.found
	}
	text, err := json.Marshal(line)
	if err != nil {
		// NaN and infinities are no JSON: the reason has them.
		line["found"] = nil
		if text, err = json.Marshal(line); err != nil {
			return err
		}
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("cannot write the report: %w", err)
	}
	// In one piece: tests may run side by side.
	_, err = file.Write(append(text, '\n'))
	return errors.Join(err, file.Close())
}
