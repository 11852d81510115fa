package output

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"borj.dev/borj/watch"
	"borj.dev/borj/watch/sigma"
)

// TestStringAgreesWithEncodingJSON holds the hand-written encoder to the
// standard library's decoder: what was written reads back the same.
func TestStringAgreesWithEncodingJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(
			rapid.String(),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
			rapid.StringOf(rapid.SampledFrom([]rune("\"\\\x00\x1f\x7f\u2028\u202e\ufffd\U0010ffffé/<"))),
		).Draw(t, "s")
		b := appendString(nil, s)
		var got string
		if err := json.Unmarshal(b, &got); err != nil || !utf8.Valid(b) {
			t.Fatalf("appendString(%q) = %q: %v", s, b, err)
		}
		want := string(bytes.ToValidUTF8([]byte(s), nil))
		if utf8.ValidString(s) && got != want {
			t.Fatalf("%q came back as %q", s, got)
		}
	})
}

func TestEvent(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"as it is":        {`{"a":"é","b":[1,2]}`, `{"a":"é","b":[1,2]}`},
		"escapes kept":    {`{"a":"\u00e9\/"}`, `{"a":"\u00e9\/"}`},
		"trimmed":         {" {\"a\":1}\t", `{"a":1}`},
		"pretty":          {"{\r\n \"a\": \"x y\",\n\t\"b\": 1\n}", `{"a":"x y","b":1}`},
		"no utf-8":        {"{\"a\":\"\xc3\x28\"}", "{\"a\":\"\uFFFD(\"}"},
		"bare tab":        {"{\"a\":\"x\ty\n\x00\"}", `{"a":"x\ty\n\u0000"}`},
		"numbers":         {`{"a":007,"b":-0,"c":1e999999,"d":1.2.3}`, `{"a":"007","b":-0,"c":1e999999,"d":"1.2.3"}`},
		"quote in string": {`{"a":"\"007","b":01}`, `{"a":"\"007","b":"01"}`},
		"no json":         {`{"a":`, `"{\"a\":"`},
		"cut string":      {`{"a":"x`, `"{\"a\":\"x"`},
		"cut escape":      {`{"a":01,"b":"\`, `"{\"a\":01,\"b\":\"\\"`},
		"none":            {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(appendEvent(nil, []byte(c.in))); got != c.want {
				t.Errorf("appendEvent(%q)\n got %s\nwant %s", c.in, got, c.want)
			}
		})
	}
}

// FuzzEvent: whatever a record holds, its line is one line of valid JSON.
func FuzzEvent(f *testing.F) {
	for _, s := range []string{`{"a":007}`, "{\"a\":\"\xff\n\"}", `{"a":"\`, "{\n}", "", `{"a":+.e-}`, `"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		h := watch.Hit{ID: string(event), Matched: []watch.MatchedPair{{Path: string(event), Value: string(event)}}}
		line := appendHit(nil, &h, appendEvent(nil, event))
		if !json.Valid(line) || !utf8.Valid(line) || bytes.ContainsAny(line, "\n\r") {
			t.Fatalf("not one line of JSON: %q", line)
		}
	})
}

// TestEventIsNotStale: an engine may reuse the memory of an event.
func TestEventIsNotStale(t *testing.T) {
	var b bytes.Buffer
	w := NewJSONL(&b)
	event := []byte(`{"n":1}`)
	for n := range 3 {
		event[5] = '1' + byte(n)
		if err := w.Write(&watch.Hit{Event: event}); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{`{"n":1}`, `{"n":2}`, `{"n":3}`} {
		if !bytes.Contains(b.Bytes(), []byte(want)) {
			t.Errorf("%s was not written:\n%s", want, b.Bytes())
		}
	}
}

func TestManyMatched(t *testing.T) {
	var pairs []watch.MatchedPair
	for i := range 40 {
		pairs = append(pairs, watch.MatchedPair{Path: string(rune('a' + i%20)), Value: string(rune('A' + i%30))})
	}
	var got map[string]any
	if err := json.Unmarshal(appendMatched(nil, pairs), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]any{"A", "U"}, got["a"]); len(got) != 20 || diff != "" {
		t.Errorf("%d paths, want 20; a (-want +got):\n%s", len(got), diff)
	}
}

func TestTimes(t *testing.T) {
	for name, c := range map[string]struct {
		in   time.Time
		want string
	}{
		"unknown": {time.Time{}, ""},
		"offset":  {time.Date(2026, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3600)), `"2026-01-01T00:00:00Z"`},
		"nanos":   {time.Date(2026, 1, 1, 0, 0, 0, 1, time.UTC), `"2026-01-01T00:00:00.000000001Z"`},
		"absurd":  {time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC), ""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(appendTime(nil, "", c.in)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func BenchmarkJSONL(b *testing.B) {
	h := sample()[0]
	h.Level = sigma.High
	w := NewJSONL(io.Discard)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(h); err != nil {
			b.Fatal(err)
		}
	}
}
