//go:build !wasip1

package log

import (
	"fmt"
	"os"
)

func write(level int, message string) {
	fmt.Fprintf(os.Stderr, "%s: %s\n", [...]string{"debug", "info", "warn", "error"}[level], message)
}
