package output

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"borj.dev/borj/watch"
)

// One record of 64 MiB may be hit by thousands of rules. These bound what each
// hit repeats of it.
const (
	wholeEvent   = 64 << 10 // longer events are written once
	wholeMatched = 64 << 10 // longer lists of matched fields are cut
	cutValue     = 4 << 10  // to which values and paths of such a list are cut
	cutName      = 256      // of hosts
)

// largeEvent remembers the last long event that was written, and in which hit.
// A record's hits follow each other.
type largeEvent struct {
	source watch.Source
	event  []byte
	id     string
}

// writtenIn returns the id of the hit that h's event was written in, or "" when
// h is the one to write it in.
func (l *largeEvent) writtenIn(h *watch.Hit) string {
	if len(h.Event) <= wholeEvent {
		return ""
	}
	if l.source == h.Source && bytes.Equal(l.event, h.Event) {
		return l.id
	}
	*l = largeEvent{h.Source, h.Event, h.ID}
	return ""
}

// bounded returns the matched fields that are written, and how many are left
// out. Few and short ones, as is usual, are written as they are.
func bounded(pairs []watch.MatchedPair) (shown []watch.MatchedPair, left int) {
	total := 0
	for _, p := range pairs {
		total += len(p.Path) + len(p.Value)
	}
	if total <= wholeMatched {
		return pairs, 0
	}
	total = 0
	for i, p := range pairs {
		p = watch.MatchedPair{Path: cut(p.Path, cutValue), Value: cut(p.Value, cutValue)}
		if total += len(p.Path) + len(p.Value); total > wholeMatched {
			return shown, len(pairs) - i
		}
		shown = append(shown, p)
	}
	return shown, 0
}

// cut returns s, or its first n bytes and an ellipsis in memory of their own.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return strings.Clone(s[:n]) + "…"
}
