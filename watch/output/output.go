// Package output owns how findings are written: hits as JSON lines, as a table
// for people and as SARIF, records set aside, the closing summary, the
// statistics and the progress line. It refuses to decide what a hit is, and
// never writes a byte from a record to a terminal without making it harmless.
package output

import (
	"fmt"
	"io"

	"borj.dev/borj/watch"
)

// Writer writes hits in the order in which it is given them. An error is final:
// the output is not complete. Close ends what was begun (SARIF's closing
// braces); it does not close what lies beneath.
type Writer interface {
	Write(*watch.Hit) error
	Close() error
}

// Options say for whom a Writer writes.
type Options struct {
	Width   int    // of the terminal in columns; 0: lines may be as long as they are
	Colour  bool   // the reader is a terminal that shows colours
	Version string // of borj, which SARIF names
}

// New returns the Writer of a format.
func New(format string, w io.Writer, o Options) (Writer, error) {
	switch format {
	case "jsonl":
		return NewJSONL(w), nil
	case "table":
		return NewTable(w, o), nil
	case "sarif":
		return NewSARIF(w, o), nil
	}
	return nil, fmt.Errorf("output format %q: borj writes jsonl, table or sarif", format)
}
