// Command hostile is a plugin that does what plugins cannot do, or should not. Each of its fixtures is one
// deed whose end the author can read; the rest, whose
// ends are traps and limits of the sandbox, are in the tests of the adapter.
package main

import (
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"net"
	"os"
	"strings"
	"time"

	plugin "leadsman.dev/plugin-sdk/go"
	"leadsman.dev/plugin-sdk/go/log"
)

// Config says what is done.
type Config struct {
	Do string `json:"do" doc:"What is done."`
}

// Plugin is the plugin of this program.
var Plugin = plugin.Export(plugin.About{
	Name: "hostile", Version: "0.1.0", Description: "What plugins cannot do, or should not",
}, evaluate)

func main() {}

func evaluate(c *Config, in *plugin.Input) (*plugin.Measures, error) {
	deed, ok := deeds[c.Do]
	if !ok {
		return nil, plugin.Failf("there is no deed %q", c.Do)
	}
	value, err := deed()
	if err != nil {
		return nil, err
	}
	measures := plugin.NewMeasures(in)
	measures.Item(value)
	return measures, nil
}

var sink [][]byte

var deeds = map[string]func() (float64, error){
	// Lines are logged; values come all the same.
	"print": func() (float64, error) {
		fmt.Print("in ", "pieces, ")
		fmt.Println("and bytes that are no text: \xff\xfe")
		println("to stderr")
		log.Infof("and to the log")
		fmt.Println(strings.Repeat("long ", 10_000))
		return 1, nil
	},
	"read-file":  func() (float64, error) { _, err := os.ReadFile("/etc/passwd"); return 0, err },
	"write-file": func() (float64, error) { return 0, os.WriteFile("x", []byte("x"), 0o600) },
	"network": func() (float64, error) {
		_, err := net.DialTimeout("tcp", "127.0.0.1:80", time.Second)
		return 0, err
	},
	"environment": func() (float64, error) { return float64(len(os.Environ()) + len(os.Args)), nil },
	// The clock begins at the epoch in each run.
	"clock": func() (float64, error) { return float64(time.Now().Year()), nil },
	// Nobody waits.
	"sleep": func() (float64, error) {
		begun := time.Now()
		time.Sleep(time.Hour)
		return time.Since(begun).Hours(), nil
	},
	// The same in each run.
	"random": func() (float64, error) {
		bytes := make([]byte, 8)
		if _, err := rand.Read(bytes); err != nil {
			return 0, err
		}
		return 2*(float64(bytes[0])+float64(mathrand.IntN(1000))*256) + 1, nil
	},
	"goroutines": func() (float64, error) {
		results := make(chan int)
		for n := range 100 {
			go func() { results <- n }()
		}
		sum := 0
		for range 100 {
			sum += <-results
		}
		return float64(sum), nil
	},
	"panic": func() (float64, error) { panic("on purpose") },
	"nil": func() (float64, error) {
		var none *Config
		return float64(len(none.Do)), nil
	},
	"index": func() (float64, error) { return float64(sink[len(sink)+3][0]), nil },
	"goroutine-panic": func() (float64, error) {
		done := make(chan bool)
		go func() { panic("in a goroutine") }()
		<-done
		return 0, nil
	},
	"deadlock": func() (float64, error) { <-make(chan bool); return 0, nil },
	"exit":     func() (float64, error) { os.Exit(3); return 0, nil },
	"spin": func() (float64, error) {
		for n := 0; ; n++ {
			if n < 0 {
				return 0, nil
			}
		}
	},
	"memory": func() (float64, error) {
		for {
			sink = append(sink, make([]byte, 1<<20))
		}
	},
	"recursion": func() (float64, error) { return deeper(1), nil },
}

func deeper(n float64) float64 { return deeper(n+1) + n }
