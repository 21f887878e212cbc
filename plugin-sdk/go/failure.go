package plugin

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// Failure says why an evaluation gave no result. The text reaches the person who reads
// `kubectl describe hpa`, so it should say what was found and what to do. Any error will do in its
// place; a Failure also names the query whose answer could not be used.
type Failure struct {
	// Message is the text.
	Message string
	// Query is the query whose answer could not be used; empty if it was none.
	Query string
}

// Error is the message with the query before it.
func (f *Failure) Error() string {
	if f.Query != "" {
		return fmt.Sprintf("query \"%s\": %s", f.Query, f.Message)
	}
	return f.Message
}

// Failf makes a failure of the evaluation as a whole.
func Failf(format string, values ...any) error {
	return &Failure{Message: fmt.Sprintf(format, values...)}
}

// FailQueryf makes a failure that lies in the answer of one query.
func FailQueryf(query, format string, values ...any) error {
	return &Failure{Query: query, Message: fmt.Sprintf(format, values...)}
}

// failureOf keeps the query of a failure that is wrapped.
func failureOf(err error) *Failure {
	var known *Failure
	if !errors.As(err, &known) {
		return &Failure{Message: err.Error()}
	}
	if err == error(known) {
		return known
	}
	return &Failure{Message: err.Error()}
}

// panicked describes a panic, with the line of the author's source that led to it. To be called from
// a deferred function.
func panicked(reason any) string {
	text := "panic: " + fmt.Sprint(reason)
	callers := make([]uintptr, 64)
	frames := runtime.CallersFrames(callers[:runtime.Callers(2, callers)])
	begun := false
	for {
		frame, more := frames.Next()
		if frame.Function == "runtime.gopanic" || strings.HasPrefix(frame.Function, "runtime.panic") {
			begun = true
		} else if begun && isAuthors(frame.Function) {
			return fmt.Sprintf("%s (%s:%d)", text, lastParts(frame.File), frame.Line)
		}
		if !more {
			return text
		}
	}
}

// isAuthors tells the author's functions from those of the standard library and of this package.
func isAuthors(function string) bool {
	name, _, _ := strings.Cut(function, "[")
	if strings.HasPrefix(name, packagePath+".") || strings.HasPrefix(name, packagePath+"/log.") {
		return false
	}
	if strings.HasPrefix(name, "main.") {
		return true
	}
	// Packages of the standard library have no dot in their first part.
	first, _, found := strings.Cut(name, "/")
	return found && strings.Contains(first, ".")
}

const packagePath = "leadsman.dev/plugin-sdk/go"

// lastParts leaves the folder and the file of a path: the rest is of the machine that built it.
func lastParts(path string) string {
	parts := strings.Split(path, "/")
	return strings.Join(parts[max(0, len(parts)-2):], "/")
}
