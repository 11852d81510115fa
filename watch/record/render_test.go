package record

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestAppendEvent(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"nothing", `{}`, `{}`},
		{"white space", "{ \"a\" :\r\n\t[ 1 , 2 ] }\n", `{"a":[1,2]}`},
		{"order, duplicates and escapes stay", `{"b":1,"a":"x\/\"\n","b":2}`, `{"b":1,"a":"x\/\"\n","b":2}`},
		{"white space in strings stays", `{"a b":" c "}`, `{"a b":" c "}`},
		{"numbers stay as written", `{"a":1e999999,"b":-0,"c":0.10}`, `{"a":1e999999,"b":-0,"c":0.10}`},
		{"odd numbers", `{"a":00012,"b":+1,"c":.5,"d":1.,"e":1e,"f":1.2.3,"g":--1}`, `{"a":"00012","b":"+1","c":".5","d":"1.","e":"1e","f":"1.2.3","g":"--1"}`},
		{"control characters", "{\"a\":\"x\x00\ny\",\"k\x01\":1}", `{"a":"x\u0000\ny","k\u0001":1}`},
		{"escaped terminal controls stay escaped", `{"a":"\u009b31m\u202eevil\u007F\u001b[2J","\u2066":"\uFEFF"}`, `{"a":"\u009b31m\u202eevil\u007f\u001b[2J","\u2066":"\ufeff"}`},
		{"raw terminal controls", "{\"a\":\"\u009b31m\u202e\x7f\u061c\u200f\u2069\ufeff\u2028é\"}", `{"a":"\u009b31m\u202e\u007f\u061c\u200f\u2069\ufeff\u2028é"}`},
		{"other escapes are decoded beside them", `{"a":"\u0061\u202e\n"}`, `{"a":"a\u202e\n"}`},
		{"bad UTF-8", "{\"a\":\"\xc3(\"}", "{\"a\":\"\ufffd(\"}"},
		{"lone surrogates", `{"a":"\ud83d","b":"\ud83d\ude00"}`, "{\"a\":\"\ufffd\",\"b\":\"😀\"}"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := newFlattener().Flatten([]byte(tt.raw), FormatJSON)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(r.AppendEvent([]byte("before "))); got != "before "+tt.want {
				t.Errorf("got  %s\nwant before %s", got, tt.want)
			}
			checkEvent(t, r)
		})
	}
}

// textRecord makes a record of a line that is not JSON, as the readers do.
func textRecord(fl *Flattener, raw string, columns []string, fields ...Field) *Record {
	fl.rec.reset([]byte(raw), FormatCSV)
	fl.rec.columns = columns
	fl.rec.Fields = append(fl.rec.Fields, fields...)
	return &fl.rec
}

func TestAppendEventOfText(t *testing.T) {
	fl := newFlattener()
	a, b, c := fl.paths.Child(root, "a"), fl.paths.Child(root, "id.orig_h"), fl.paths.Child(root, "c")
	r := textRecord(fl, `x""y|10|T|(empty)|-|\x09|007|6162|z`, []string{"a"},
		Field{a, 0, 4, CSVText}, Field{b, 5, 7, Number}, Field{c, 8, 9, True}, Field{c, 10, 17, Empty}, Field{b, 18, 19, Null},
		Field{c, 20, 24, ZeekText}, Field{c, 25, 28, Number}, Field{c, 29, 33, HexText}, Field{b, 34, 35, Text})
	const want = `{"a":"x\"y","id.orig_h":[10,null,"z"],"c":[true,[],"\t","007","ab"]}`
	if got := string(r.AppendEvent(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Whatever a text record holds, the event is one line of valid JSON with the
// same values.
func TestAppendEventOfAnyText(t *testing.T) {
	fl := newFlattener()
	rapid.Check(t, func(t *rapid.T) {
		raw := []byte(strings.Join(rapid.SliceOfN(rapid.OneOf(
			rapid.Map(rapid.Byte(), func(b byte) string { return string([]byte{b}) }),
			rapid.SampledFrom([]string{"\u0085", "\u202e", "\u200e", "\ufeff"}),
		), 0, 60).Draw(t, "raw"), ""))
		var fields []Field
		want := map[string]int{}
		for range rapid.IntRange(0, 8).Draw(t, "fields") {
			start := rapid.IntRange(0, len(raw)).Draw(t, "start")
			end := rapid.IntRange(start, len(raw)).Draw(t, "end")
			kind := rapid.SampledFrom([]Kind{Null, True, False, Number, Empty, Text, CSVText, ZeekText}).Draw(t, "kind")
			path := fl.paths.Child(root, rapid.SampledFrom([]string{"a", "b", "\xff", "c d"}).Draw(t, "path"))
			fields = append(fields, Field{path, uint32(start), uint32(end), kind})
			want[string([]rune(fl.paths.Path(path)))]++
		}
		r := textRecord(fl, string(raw), []string{"a"}, fields...)
		var got map[string]any
		event := r.AppendEvent(nil)
		if err := json.Unmarshal(event, &got); err != nil {
			t.Fatalf("%q: %v", event, err)
		}
		if !isClean(event) {
			t.Fatalf("%q: an active character", event)
		}
		for name, n := range want {
			if list, ok := got[name].([]any); n > 1 && (!ok || len(list) != n) {
				t.Fatalf("%q: %q should have %d values", event, name, n)
			} else if _, ok := got[name]; !ok {
				t.Fatalf("%q: %q is missing", event, name)
			}
		}
	})
}
