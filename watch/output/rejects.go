package output

import (
	"io"
	"regexp"
	"strconv"

	"borj.dev/borj/watch/record"
)

// maxReasons bounds how many different reasons Rejects tells apart.
const maxReasons = 100

// What makes equal reasons differ: the offset in front, and other numbers.
var (
	offset  = regexp.MustCompile(`^byte [0-9]+: `)
	numbers = regexp.MustCompile(`[0-9]+`)
)

// Rejects writes the records that were set aside, one JSON object a line, and
// counts why. It is for one goroutine.
type Rejects struct {
	w       io.Writer
	line    []byte
	last    string // the reason before this one, and its group: they come in runs
	group   string
	reasons map[string]int64
}

// NewRejects returns a Rejects that writes to w, or only counts when w is nil.
func NewRejects(w io.Writer) *Rejects {
	return &Rejects{w: w, reasons: make(map[string]int64)}
}

// Write counts r and writes it.
func (rj *Rejects) Write(r record.Reject) error {
	if r.Reason != rj.last || rj.group == "" {
		rj.last = r.Reason
		rj.group = numbers.ReplaceAllLiteralString(offset.ReplaceAllLiteralString(r.Reason, ""), "N")
	}
	if _, known := rj.reasons[rj.group]; !known && len(rj.reasons) >= maxReasons {
		rj.group = "other reasons"
	}
	rj.reasons[rj.group]++
	if rj.w == nil {
		return nil
	}
	b := appendString(append(rj.line[:0], `{"input":`...), r.Input)
	b = strconv.AppendInt(append(b, `,"record":`...), r.Record, 10)
	b = strconv.AppendInt(append(b, `,"offset":`...), r.Offset, 10)
	b = strconv.AppendInt(append(b, `,"bytes":`...), r.Bytes, 10)
	b = appendString(append(b, `,"reason":`...), r.Reason)
	rj.line = append(appendString(append(b, `,"sample":`...), r.Sample), '}', '\n')
	_, err := rj.w.Write(rj.line)
	return err
}

// Reasons returns how many records were set aside for each reason, the most
// frequent first. Reasons that differ only in a number are one.
func (rj *Rejects) Reasons() []Count { return ranked(rj.reasons) }
