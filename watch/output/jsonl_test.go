package output

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"borj.dev/borj/watch"
	"borj.dev/borj/watch/record"
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

// TestStringIsVisible: JSON can be looked at on a terminal.
func TestStringIsVisible(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"plain":          {`a/"\`, `"a/\"\\"`},
		"arabic, emoji":  {"é عربي 😀", `"é عربي 😀"`},
		"C0":             {"\x00\t\n\r\x1b[2J", `"\u0000\t\n\r\u001b[2J"`},
		"DEL, C1":        {"a\x7f\u009b31m\u0085", `"a\u007f\u009b31m\u0085"`},
		"bidi":           {"\u202egnp.exe\u2066\u200f\u061c", `"\u202egnp.exe\u2066\u200f\u061c"`},
		"line separator": {"\u2028\u2029\ufeff", `"\u2028\u2029\ufeff"`},
		"tags":           {"\U000e0041", `"\udb40\udc41"`},
		"no UTF-8":       {"a\xff\xc3", "\"a\uFFFD\uFFFD\""},
		"replacement":    {"\uFFFD", "\"\uFFFD\""},
	} {
		t.Run(name, func(t *testing.T) {
			if got := string(appendString(nil, c.in)); got != c.want {
				t.Errorf("appendString(%q) = %s, want %s", c.in, got, c.want)
			}
			std, err := json.Marshal(c.in)
			if err != nil {
				t.Fatal(err)
			}
			var got string
			visible := appendVisible(nil, std)
			if err := json.Unmarshal(visible, &got); err != nil || got != strings.ToValidUTF8(c.in, "\uFFFD") && name != "no UTF-8" {
				t.Errorf("%s reads back as %q (%v), want %q", visible, got, err, c.in)
			}
			if strings.ContainsAny(string(visible), "\x1b\x7f\u009b\u202e\u2028\U000e0041") {
				t.Errorf("appendVisible(%s) = %q", std, visible)
			}
		})
	}
}

// FuzzEvent: whatever a record holds, the line of its hit is one line of valid
// JSON.
func FuzzEvent(f *testing.F) {
	for _, s := range []string{`{"a":007}`, "{\"a\":\"\xff\n\"}", `{"a":"\`, "{\n}", "", `{"a":+.e-}`, `"`, "{\"\u009b\":\"\u202e\"}"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		h := watch.Hit{ID: string(raw), Matched: []watch.MatchedPair{{Path: string(raw), Value: string(raw)}}}
		rec, err := record.NewFlattener(record.NewPaths(0), record.DefaultLimits).Flatten(raw, record.FormatJSON)
		if err == nil {
			h.Event = rec.AppendEvent(nil)
		}
		line := appendHit(nil, &h, "")
		if !json.Valid(line) || !utf8.Valid(line) || bytes.ContainsAny(line, "\n\r") {
			t.Fatalf("not one line of JSON: %q", line)
		}
	})
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
