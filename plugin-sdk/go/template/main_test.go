package main

import (
	"testing"

	"leadsman.dev/plugin-sdk/go/plugintest"
)

// Each file in fixtures is an evaluation: what was answered, and what must come of it.
func TestFixtures(t *testing.T) { plugintest.Fixtures(t, Plugin, "fixtures") }
