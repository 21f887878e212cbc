package main

import (
	"testing"

	"leadsman.dev/plugin-sdk/go/plugintest"
)

func TestFixtures(t *testing.T) { plugintest.Fixtures(t, Plugin, "fixtures") }
