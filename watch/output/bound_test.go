package output

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"borj.dev/borj/watch"
)

// TestLargeEventIsWrittenOnce: what a record makes every format write does not
// grow with its length times the rules that hit it.
func TestLargeEventIsWrittenOnce(t *testing.T) {
	const length, rules = 1 << 20, 100
	value := strings.Repeat("x\x00", length/2)
	for _, format := range []string{"jsonl", "sarif", "table"} {
		var b bytes.Buffer
		w, err := New(format, &b, Options{})
		if err != nil {
			t.Fatal(err)
		}
		event := fmt.Appendf(nil, `{"a":"%s"}`, strings.Repeat("x", length))
		for n := range rules {
			h := watch.Hit{ID: fmt.Sprint("h", n), Host: value, Source: watch.Source{Input: "a", Record: 7}, Event: event}
			h.Matched = append(h.Matched, watch.MatchedPair{Path: "a", Value: value}, watch.MatchedPair{Path: value, Value: "b"})
			if err := w.Write(&h); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if most := length + rules*6*2*wholeMatched; b.Len() > most {
			t.Errorf("%s: %d bytes were written, want at most %d", format, b.Len(), most)
		}
	}
}

func TestEventOf(t *testing.T) {
	large := func(s string) []byte { return fmt.Appendf(nil, `{"a":"%s"}`, strings.Repeat(s, wholeEvent)) }
	at := func(n int64) watch.Source { return watch.Source{Input: "a", Record: n} }
	var b bytes.Buffer
	w := NewJSONL(&b)
	for _, h := range []watch.Hit{
		{ID: "1", Source: at(1), Event: large("x")},
		{ID: "2", Source: at(1), Event: large("x")},
		{ID: "correlation", Source: at(1)},
		{ID: "3", Source: at(1), Event: large("x")},
		{ID: "4", Source: at(2), Event: large("x")},
		{ID: "5", Source: at(2), Event: large("y")}, // another input of the same name
		{ID: "6", Source: at(3), Event: []byte(`{}`)},
		{ID: "7", Source: at(3), Event: []byte(`{}`)},
	} {
		if err := w.Write(&h); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{"1": "event", "2": "of 1", "correlation": "", "3": "of 1", "4": "event", "5": "event", "6": "event", "7": "event"}
	for line := range bytes.Lines(b.Bytes()) {
		var h struct {
			ID      string
			Event   map[string]any
			EventOf string `json:"event_of"`
		}
		if err := json.Unmarshal(line, &h); err != nil {
			t.Fatal(err)
		}
		got := ""
		if h.Event != nil {
			got = "event"
		}
		if h.EventOf != "" {
			got += "of " + h.EventOf
		}
		if got != want[h.ID] {
			t.Errorf("hit %s has %q, want %q", h.ID, got, want[h.ID])
		}
	}
}

func TestBounded(t *testing.T) {
	pairs := make([]watch.MatchedPair, 100)
	for i := range pairs {
		pairs[i] = watch.MatchedPair{Path: fmt.Sprint("p", i), Value: "short"}
	}
	if shown, left := bounded(pairs); len(shown) != 100 || left != 0 {
		t.Errorf("%d short fields are shown and %d left out, want all", len(shown), left)
	}
	pairs[1].Value = strings.Repeat("é", wholeMatched)
	if shown, left := bounded(pairs); len(shown) != 100 || left != 0 || shown[1].Value != strings.Repeat("é", cutValue/2)+"…" || shown[0] != pairs[0] {
		t.Errorf("one long value: %d are shown, %d left out, it is %d bytes", len(shown), left, len(shown[1].Value))
	}
	for i := range pairs {
		pairs[i].Value = pairs[1].Value
	}
	shown, left := bounded(pairs)
	if len(shown)+left != 100 || left < 80 {
		t.Errorf("%d shown and %d left out of 100 long values", len(shown), left)
	}
}

// TestTallyHoldsNoLongNames: a host is a value of a record.
func TestTallyHoldsNoLongNames(t *testing.T) {
	tally := NewTally()
	tally.Add(&watch.Hit{Host: strings.Repeat("h", 1<<20)})
	for name := range tally.hosts {
		if len(name) > cutName+len("…") {
			t.Errorf("a name of %d bytes is kept", len(name))
		}
	}
}
