package output

import (
	"io"
	"strconv"
	"time"

	"borj.dev/borj/watch"
)

// JSONL writes one JSON object a line, each with one call of Write.
type JSONL struct {
	w     io.Writer
	line  []byte
	large largeEvent
}

// NewJSONL returns a Writer of JSON lines.
func NewJSONL(w io.Writer) *JSONL { return &JSONL{w: w} }

// Write writes h as one line. An event that is longer than 64 KiB is written
// in the first of its record's hits, to which the others refer.
func (j *JSONL) Write(h *watch.Hit) error {
	j.line = append(appendHit(j.line[:0], h, j.large.writtenIn(h)), '\n')
	_, err := j.w.Write(j.line)
	return err
}

// Close does nothing: each line is complete.
func (j *JSONL) Close() error { return nil }

// appendHit appends the JSON form of h. Its event stands in the hit eventOf, if
// that is given. Otherwise it is written as it is: valid JSON in one line, which
// record.AppendEvent made.
func appendHit(dst []byte, h *watch.Hit, eventOf string) []byte {
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
	matched, left := bounded(h.Matched)
	dst = appendMatched(append(dst, `,"matched":`...), matched)
	if left > 0 {
		dst = strconv.AppendInt(append(dst, `,"matched_left_out":`...), int64(left), 10)
	}
	switch {
	case eventOf != "":
		dst = appendString(append(dst, `,"event_of":`...), eventOf)
	case len(h.Event) > 0:
		dst = append(append(dst, `,"event":`...), h.Event...)
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
