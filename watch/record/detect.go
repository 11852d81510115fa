package record

import (
	"bytes"
	"errors"
)

// probeBytes is how much of an input is looked at to recognise it.
const probeBytes = 256 << 10

var errUnknownFormat = errors.New("no known event format; name it with --format")

// layout is how an input is to be read.
type layout struct {
	format  Format
	shape   string
	comma   byte   // CSV: what parts the columns
	wrapper string // ShapeWrapped: the key of the array
}

// detect decides how an input is read from its first bytes. whole tells that
// there are no more. It looks at several records, so that a broken first one
// does not mislead.
func detect(probe []byte, whole bool, name string, opt *Options) (layout, error) {
	if len(bytes.TrimSpace(probe)) == 0 && whole {
		return layout{format: opt.Format, shape: ShapeEmpty}, nil
	}
	format := opt.Format
	if opt.Auto {
		format = voteLines(probe, opt)
	}
	return layout{format: format, shape: ShapeLines}, nil
}

// voteLines asks the first whole lines which format they have.
func voteLines(probe []byte, opt *Options) Format {
	var votes [len(formatNames)]int
	fl := NewFlattener(NewPaths(0), opt.Limits)
	n := 0
	for line := range bytes.Lines(probe) {
		if r, err := fl.Flatten(bytes.TrimSpace(line), FormatJSON); err == nil {
			votes[formatOf(r)]++
			if n++; n == 64 {
				break
			}
		}
	}
	best := FormatJSON
	for f := range votes {
		if votes[f] > votes[best] || votes[f] > 0 && best == FormatJSON {
			best = Format(f)
		}
	}
	return best
}

// formatOf recognises the writer of one JSON record by the names of its
// fields.
func formatOf(r *Record) Format {
	seen := map[string]bool{}
	for i := range r.Fields {
		for _, n := range r.NamesOf(&r.Fields[i]) {
			seen[n] = true
		}
	}
	has := func(names ...string) bool {
		for _, n := range names {
			if !seen[n] {
				return false
			}
		}
		return true
	}
	switch {
	case has("event_type", "timestamp"), has("event_type", "flow_id"), has("event_type", "src_ip"):
		return FormatEVE
	case has("@stream", "ts"), has("_path", "ts"), has("_path", "_write_ts"), has("ts", "uid"):
		return FormatZeek
	case has("EventID", "Channel"), has("EventID", "Computer"), has("EventID", "Provider_Name"):
		return FormatWindows
	case has("eventVersion", "eventSource", "eventName"):
		return FormatCloudTrail
	case has("__REALTIME_TIMESTAMP"), has("_AUDIT_TYPE"), has("auditd.message_type"), has("auditd.data.syscall"):
		return FormatAudit
	}
	return FormatJSON
}
