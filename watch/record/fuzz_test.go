package record

import (
	"encoding/json"
	"errors"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzFlatten judges Flatten, Locate and AppendEvent on arbitrary bytes: what
// Flatten accepts is what the plain parser accepts, with the same fields, and
// is rendered as one line of valid JSON.
func FuzzFlatten(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":1}`, `{"a":{"b":[1,"x\ud83d",{}]},"a":null}`, "{\"\xff\":\"\x00\"}", `{"a":00012,"b":1e999999,"c":-0,"d":1.2.3}`,
		`{"a":"\\\\\\\"","b":[[],[[1]],{}]}`, `{"a":[{"b":1},{"b":2}],"":{"":[true,false]}}`, "{ \"a\" :\r\n[ ] }", `{"a":tru}`, `{"a":1}{"b":2}`,
		`{"EventData":{"Data":[{"@Name":"Image","#text":"x"},{"#text":"y"}]}}`, `{"a":"\u00zz"}`, `{"a":"0123456\"89abcdef\\"}`, "{\"\u202e\":\"\u009b\\u200f\x7f\"}",
	} {
		f.Add([]byte(seed), uint8(4))
	}
	limits := Limits{Line: 1 << 16, Depth: 12, Fields: 64}
	fl := NewFlattener(NewPaths(40), limits)
	f.Fuzz(func(t *testing.T, raw []byte, depth uint8) {
		limits.Depth = 1 + int(depth)%12
		fl.limits, fl.paired = limits, false
		r, err := fl.Flatten(raw, FormatJSON)
		type field struct {
			Path  string
			Start int
			Kind  Kind
		}
		var want []field
		slow := slowParser{s: raw, limit: limits, visit: func(path string, start int, kind Kind) { want = append(want, field{path, start, kind}) }}
		slowErr := slow.object()
		if len(raw) > limits.Line {
			slowErr = ErrLine
		}
		if (err == nil) != (slowErr == nil) {
			t.Fatalf("Flatten says %v, the plain parser %v", err, slowErr)
		}
		if err != nil {
			if errors.Is(slowErr, ErrDepth) != errors.Is(err, ErrDepth) {
				t.Fatalf("Flatten says %v, the plain parser %v", err, slowErr)
			}
			return
		}
		var got []field
		for i := range r.Fields {
			f := &r.Fields[i]
			got = append(got, field{r.Locate(f), int(f.Start), f.Kind})
		}
		if diff := cmp.Diff(want, got); diff != "" && fl.paired == false {
			t.Fatalf("fields (-plain +Flatten):\n%s", diff)
		}
		checkEvent(t, r)
		r.Time()
		r.Host()
	})
}

// checkEvent checks that the rendered event is one line of valid JSON that
// holds every value of the record.
func checkEvent(t fatal, r *Record) {
	event := r.AppendEvent(nil)
	if !json.Valid(event) || !utf8.Valid(event) {
		t.Fatalf("%q is rendered as %q", r.Raw, event)
	}
	for _, c := range string(event) {
		if c < ' ' || c >= 0x7F && c < 0xA0 || unicode.Is(unicode.Bidi_Control, c) || c == 0xFEFF {
			t.Fatalf("%q is rendered with an active character: %q", r.Raw, event)
		}
	}
	again, err := newFlattener().Flatten(event, r.Format)
	if err != nil {
		t.Fatalf("%q is rendered as %q: %v", r.Raw, event, err)
	}
	if len(again.Fields) != len(r.Fields) {
		t.Fatalf("%q has %d fields, rendered %q %d", r.Raw, len(r.Fields), event, len(again.Fields))
	}
	for i := range r.Fields {
		want := string([]rune(r.String(&r.Fields[i]))) // U+FFFD for every byte that is no UTF-8
		if r.Fields[i].Kind == Empty {
			continue
		}
		if got := again.String(&again.Fields[i]); got != want {
			t.Fatalf("%q: value %d is %q, rendered %q", r.Raw, i, want, got)
		}
	}
}
