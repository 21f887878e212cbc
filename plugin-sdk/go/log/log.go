// Package log writes lines to the adapter's log. They carry the mapping's name; how many an evaluation
// may write is limited by the adapter. In native tests they go to standard error.
package log

import "fmt"

// Debugf writes something that only the author looks for.
func Debugf(format string, values ...any) { write(0, fmt.Sprintf(format, values...)) }

// Infof writes something worth knowing.
func Infof(format string, values ...any) { write(1, fmt.Sprintf(format, values...)) }

// Warnf writes something that may need attention.
func Warnf(format string, values ...any) { write(2, fmt.Sprintf(format, values...)) }

// Errorf writes something that needs attention.
func Errorf(format string, values ...any) { write(3, fmt.Sprintf(format, values...)) }
