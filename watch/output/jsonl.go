package output

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"borj.dev/borj/watch"
)

// JSONL writes one JSON object a line, each with one call of Write.
type JSONL struct {
	w    io.Writer
	line []byte

	// The event of the last hit, and how it was written: a record's hits
	// mostly follow each other.
	raw, event []byte
}

// NewJSONL returns a Writer of JSON lines.
func NewJSONL(w io.Writer) *JSONL { return &JSONL{w: w} }

// Write writes h as one line.
func (j *JSONL) Write(h *watch.Hit) error {
	if !bytes.Equal(h.Event, j.raw) {
		j.raw = append(j.raw[:0], h.Event...)
		j.event = appendEvent(j.event[:0], h.Event)
	}
	j.line = append(appendHit(j.line[:0], h, j.event), '\n')
	_, err := j.w.Write(j.line)
	return err
}

// Close does nothing: each line is complete.
func (j *JSONL) Close() error { return nil }

// appendHit appends the JSON form of h, whose event is written as given.
func appendHit(dst []byte, h *watch.Hit, event []byte) []byte {
	dst = appendString(append(dst, `{"id":`...), h.ID)
	dst = appendTime(dst, `,"time":`, h.Time)
	dst = appendString(append(dst, `,"kind":`...), h.Kind.String())
	dst = appendString(append(dst, `,"level":`...), h.Level.String())
	if r := h.Rule; r != nil {
		dst = appendString(append(dst, `,"rule":{"id":`...), r.ID)
		dst = appendString(append(dst, `,"title":`...), r.Title)
		dst = append(appendStrings(append(dst, `,"tags":`...), r.Tags), '}')
	}
	if i := h.Indicator; i != nil {
		dst = appendIndicator(append(dst, `,"indicator":`...), i)
	}
	dst = appendSource(append(dst, `,"source":`...), h.Source)
	dst = appendMatched(append(dst, `,"matched":`...), h.Matched)
	if len(event) > 0 {
		dst = append(append(dst, `,"event":`...), event...)
	}
	if len(h.Records) > 0 {
		dst = append(dst, `,"records":[`...)
		for i, s := range h.Records {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendSource(dst, s)
		}
		dst = append(dst, ']')
	}
	if h.Count != 0 {
		dst = strconv.AppendInt(append(dst, `,"count":`...), h.Count, 10)
	}
	dst = appendTime(dst, `,"first_seen":`, h.FirstSeen)
	dst = appendTime(dst, `,"last_seen":`, h.LastSeen)
	return append(dst, '}')
}

func appendIndicator(dst []byte, i *watch.Indicator) []byte {
	dst = appendString(append(dst, `{"id":`...), i.ID)
	dst = appendString(append(dst, `,"type":`...), i.Type)
	dst = appendString(append(dst, `,"value":`...), i.Value)
	dst = appendString(append(dst, `,"source":`...), i.Source)
	if i.Name != "" {
		dst = appendString(append(dst, `,"name":`...), i.Name)
	}
	if i.TLP != "" {
		dst = appendString(append(dst, `,"tlp":`...), i.TLP)
	}
	if i.Confidence > 0 {
		dst = strconv.AppendInt(append(dst, `,"confidence":`...), int64(i.Confidence), 10)
	}
	if len(i.AlsoIn) > 0 {
		dst = appendStrings(append(dst, `,"also_in":`...), i.AlsoIn)
	}
	return append(dst, '}')
}

func appendSource(dst []byte, s watch.Source) []byte {
	dst = appendString(append(dst, `{"input":`...), s.Input)
	dst = strconv.AppendInt(append(dst, `,"record":`...), s.Record, 10)
	return append(appendString(append(dst, `,"sensor":`...), s.Sensor), '}')
}

// appendMatched appends an object of path → value. A path that matched with
// several values has them in an array.
func appendMatched(dst []byte, pairs []watch.MatchedPair) []byte {
	dst = append(dst, '{')
	if distinct(pairs) {
		for i, p := range pairs {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendString(append(appendString(dst, p.Path), ':'), p.Value)
		}
		return append(dst, '}')
	}
	for i, g := range byPath(pairs) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, g.path), ':')
		if len(g.values) == 1 {
			dst = appendString(dst, g.values[0])
		} else {
			dst = appendStrings(dst, g.values)
		}
	}
	return append(dst, '}')
}

// distinct tells whether pairs are few and no two share a path, as is usual.
func distinct(pairs []watch.MatchedPair) bool {
	if len(pairs) > 12 {
		return false
	}
	for i := range pairs {
		for j := range i {
			if pairs[i].Path == pairs[j].Path {
				return false
			}
		}
	}
	return true
}

type pathValues struct {
	path   string
	values []string // no two alike
}

// byPath groups pairs by path, in the order of first appearance.
func byPath(pairs []watch.MatchedPair) []pathValues {
	groups := make([]pathValues, 0, len(pairs))
	index := make(map[string]int, len(pairs))
	seen := make(map[watch.MatchedPair]bool, len(pairs))
	for _, p := range pairs {
		if seen[p] {
			continue
		}
		seen[p] = true
		i, ok := index[p.Path]
		if !ok {
			i = len(groups)
			index[p.Path] = i
			groups = append(groups, pathValues{path: p.Path})
		}
		groups[i].values = append(groups[i].values, p.Value)
	}
	return groups
}

// appendTime appends key and t in RFC 3339, or nothing when t is unknown or
// outside the years that RFC 3339 can write.
func appendTime(dst []byte, key string, t time.Time) []byte {
	t = t.UTC()
	if t.IsZero() || t.Year() < 0 || t.Year() > 9999 {
		return dst
	}
	dst = append(append(dst, key...), '"')
	return append(t.AppendFormat(dst, time.RFC3339Nano), '"')
}

func appendStrings(dst []byte, list []string) []byte {
	dst = append(dst, '[')
	for i, s := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, s)
	}
	return append(dst, ']')
}

// appendString appends s as a JSON string. What is not UTF-8 becomes U+FFFD.
func appendString(dst []byte, s string) []byte {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	start := 0 // of what is still to be copied
	for i := 0; i < len(s); {
		c := s[i]
		if c >= 0x20 && c < utf8.RuneSelf && c != '"' && c != '\\' && c != 0x7f {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(append(dst, s[start:i]...), "\uFFFD"...)
				start = i + 1
			}
			i += n
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		start = i
	}
	return append(append(dst, s[start:]...), '"')
}

// appendEvent appends a record as one line of valid JSON in valid UTF-8. The
// readers accept a little more than JSON allows (a number such as 007, a bare
// tab in a string); what is still no JSON after mending that is written as one
// string, so that a line can always be read.
func appendEvent(dst, event []byte) []byte {
	if len(event) == 0 {
		return dst
	}
	start := len(dst)
	if !json.Valid(event) {
		if dst = appendMended(dst, event); !json.Valid(dst[start:]) {
			dst = appendString(dst[:start], string(event))
		}
	} else if bytes.IndexByte(event, '\n') >= 0 || bytes.IndexByte(event, '\r') >= 0 {
		line := bytes.NewBuffer(dst)
		if err := json.Compact(line, event); err != nil { // not after Valid
			return appendString(dst[:start], string(event))
		}
		dst = line.Bytes()
	} else {
		dst = append(dst, bytes.TrimSpace(event)...)
	}
	if !utf8.Valid(dst[start:]) {
		valid := bytes.ToValidUTF8(dst[start:], []byte("\uFFFD"))
		dst = append(dst[:start], valid...)
	}
	return dst
}

// appendMended appends event with control characters inside strings escaped,
// line ends outside of them left out, and numbers that JSON forbids quoted.
func appendMended(dst, event []byte) []byte {
	for i := 0; i < len(event); {
		switch c := event[i]; {
		case c == '"':
			end := i + 1
			for end < len(event) && event[end] != '"' {
				if event[end] == '\\' {
					end++
				}
				end++
			}
			dst = append(dst, '"')
			for _, b := range event[i+1 : min(end, len(event))] {
				if b < 0x20 {
					q := appendString(nil, string(rune(b)))
					dst = append(dst, q[1:len(q)-1]...)
				} else {
					dst = append(dst, b)
				}
			}
			dst = append(dst, '"')
			i = end + 1
		case c == '-' || c == '+' || c == '.' || c >= '0' && c <= '9':
			end := i + 1
			for end < len(event) && slices.Contains([]byte("0123456789+-.eE"), event[end]) {
				end++
			}
			if n := event[i:end]; json.Valid(n) {
				dst = append(dst, n...)
			} else {
				dst = appendString(dst, string(n))
			}
			i = end
		default:
			if c >= 0x20 {
				dst = append(dst, c)
			}
			i++
		}
	}
	return dst
}
