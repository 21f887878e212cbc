package main

import (
	"testing"

	"leadsman.dev/plugin-sdk/go/plugintest"
)

// The fixtures of the shipped plugin: the same files pass in every language.
func TestFixtures(t *testing.T) {
	plugintest.Fixtures(t, Plugin, "../../../../plugins/external/fixtures")
}
