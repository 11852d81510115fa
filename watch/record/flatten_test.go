package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// leaf is a field as tests want to see it.
type leaf struct {
	Path  string // the first name
	Kind  Kind
	Value string // decoded
}

func leavesOf(r *Record) []leaf {
	var out []leaf
	for i := range r.Fields {
		f := &r.Fields[i]
		kind := f.Kind
		if kind == Escaped {
			kind = Text
		}
		out = append(out, leaf{r.NamesOf(f)[0], kind, r.String(f)})
	}
	return out
}

func newFlattener() *Flattener { return NewFlattener(NewPaths(0), DefaultLimits) }

func TestFlatten(t *testing.T) {
	tests := []struct {
		name, raw string
		want      []leaf
	}{
		{"nothing", `{}`, nil},
		{"white space", " \t\r\n{ \"a\" :\n1 , \"b\" : [ 2 ,\t3 ] } \r\n", []leaf{{"a", Number, "1"}, {"b", Number, "2"}, {"b", Number, "3"}}},
		{"every kind", `{"s":"x","n":-1.5e+3,"t":true,"f":false,"z":null,"o":{},"a":[]}`, []leaf{
			{"s", Text, "x"}, {"n", Number, "-1.5e+3"}, {"t", True, "true"}, {"f", False, "false"},
			{"z", Null, "null"}, {"o", Empty, "{}"}, {"a", Empty, "[]"}}},
		{"nested", `{"a":{"b":{"c":1}},"d":[{"e":2},{"e":3}]}`, []leaf{{"a.b.c", Number, "1"}, {"d.e", Number, "2"}, {"d.e", Number, "3"}}},
		{"arrays in arrays", `{"a":[[1,[2]],[],3]}`, []leaf{{"a", Number, "1"}, {"a", Number, "2"}, {"a", Empty, "[]"}, {"a", Number, "3"}}},
		{"duplicate keys keep every value", `{"a":1,"a":"two","a":[3]}`, []leaf{{"a", Number, "1"}, {"a", Text, "two"}, {"a", Number, "3"}}},
		{"a key with dots meets a nested one", `{"a.b":1,"a":{"b":2}}`, []leaf{{"a.b", Number, "1"}, {"a.b", Number, "2"}}},
		{"empty keys", `{"":1,"a":{"":2},"":{"b":3}}`, []leaf{{"", Number, "1"}, {"a.", Number, "2"}, {".b", Number, "3"}}},
		{"escaped keys", `{"a\u0062":1,"q\"":2,"\ud83d\ude00":3}`, []leaf{{"ab", Number, "1"}, {`q"`, Number, "2"}, {"😀", Number, "3"}}},
		{"escapes", `{"a":"\"\\\/\b\f\n\r\tA\u00e9\ud83d\ude00"}`, []leaf{{"a", Text, "\"\\/\b\f\n\r\tAé😀"}}},
		{"lone surrogates", `{"a":"x\ud83d","b":"\ude00y","c":"\ud83d\ud83d\ude00"}`, []leaf{{"a", Text, "x\ufffd"}, {"b", Text, "\ufffdy"}, {"c", Text, "\ufffd😀"}}},
		{"invalid UTF-8 is kept", "{\"a\":\"\xc3(\",\"\xff\":1}", []leaf{{"a", Text, "\xc3("}, {"\xff", Number, "1"}}},
		{"control characters are kept", "{\"a\":\"x\x00\n\ty\"}", []leaf{{"a", Text, "x\x00\n\ty"}}},
		{"numbers are kept as written", `{"a":1e999999,"b":-0,"c":00012,"d":123456789012345678901234567890,"e":0.1000}`, []leaf{
			{"a", Number, "1e999999"}, {"b", Number, "-0"}, {"c", Number, "00012"}, {"d", Number, "123456789012345678901234567890"}, {"e", Number, "0.1000"}}},
		{"brackets in strings", `{"a":"}]\"{[,:","b":1}`, []leaf{{"a", Text, `}]"{[,:`}, {"b", Number, "1"}}},
		{"a long run of backslashes", `{"a":"` + strings.Repeat(`\\`, 40) + `"}`, []leaf{{"a", Text, strings.Repeat(`\`, 40)}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := newFlattener().Flatten([]byte(tt.raw), FormatJSON)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, leavesOf(r)); diff != "" {
				t.Errorf("fields (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFlattenRefuses(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"nothing", ``, "byte 0: not a JSON object"},
		{"an array", `[1]`, "byte 0: not a JSON object"},
		{"a scalar", `1`, "byte 0: not a JSON object"},
		{"an object that ends early", `{`, "byte 1: the record ends inside an object or array"},
		{"an array that ends early", `{"a":[1`, "byte 7: the record ends inside an object or array"},
		{"a string that ends early", `{"a":"b`, "byte 7: the record ends inside a string"},
		{"a string that ends in an escape", `{"a":"b\`, "byte 8: the record ends inside a string"},
		{"a key that ends early", `{"a`, "byte 3: the record ends inside a string"},
		{"no value", `{"a":`, "byte 5: the record ends before a value"},
		{"no colon", `{"a" 1}`, "byte 5: a colon is missing"},
		{"no comma", `{"a":1 "b":2}`, "byte 7: a comma is missing"},
		{"a comma too many", `{"a":1,}`, "byte 7: a key must be a string"},
		{"a comma too many in an array", `{"a":[1,]}`, "byte 8: not a JSON value"},
		{"a comma first", `{,"a":1}`, "byte 1: a key must be a string"},
		{"a key that is a number", `{1:2}`, "byte 1: a key must be a string"},
		{"closed crosswise", `{"a":[1}`, "byte 7: an object and an array are closed crosswise"},
		{"closed crosswise the other way", `{"a":{"b":1]}`, "byte 11: an object and an array are closed crosswise"},
		{"unknown word", `{"a":nul}`, "byte 5: not a JSON value"},
		{"a colon too many", `{"a":12345:6}`, "byte 10: a comma is missing"},
		{"a sign alone", `{"a":-}`, "byte 5: not a JSON value"},
		{"unknown escape", `{"a":"\x41"}`, "byte 6: unknown escape in a string"},
		{"short \\u", `{"a":"\u12"}`, `byte 6: \u needs four hexadecimal digits`},
		{"two objects", `{"a":1} {"b":2}`, "byte 8: something follows the object"},
		{"garbage", "\x00\xff\xfe", "byte 0: not a JSON object"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := newFlattener().Flatten([]byte(tt.raw), FormatJSON)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestFlattenLimits(t *testing.T) {
	limits := Limits{Line: 1000, Depth: 4, Fields: 10}
	tests := []struct {
		name, raw string
		want      error
	}{
		{"as deep as allowed", `{"a":{"b":[{"c":1}]}}`, nil},
		{"one deeper", `{"a":{"b":[[{"c":1}]]}}`, ErrDepth},
		{"very deep", strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100), ErrDepth},
		{"as many fields as allowed", `{"a":[` + strings.Repeat("1,", 9) + `1]}`, nil},
		{"one more", `{"a":[` + strings.Repeat("1,", 10) + `1]}`, ErrFields},
		{"empty containers count", `{"a":[` + strings.Repeat("[],", 10) + `1]}`, ErrFields},
		{"as long as allowed", `{"a":"` + strings.Repeat("x", 1000-8) + `"}`, nil},
		{"one byte more", `{"a":"` + strings.Repeat("x", 1000-7) + `"}`, ErrLine},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := NewFlattener(NewPaths(0), limits).Flatten([]byte(tt.raw), FormatJSON)
			if !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}

// A record that was refused, or had other keys, must not change how the next
// one is read.
func TestFlattenerForgets(t *testing.T) {
	fl := newFlattener()
	for _, raw := range []string{`{"a":{"b":1},"c":2}`, `{"a":{"b":[1,{"`, `{"c":{"b":1},"a":2}`, `{"a":1,"a":1,"b":{"a":1}}`,
		`{"a":{"b":1},"b":2}`, `{"a":{"b":1,"b":2}}`, `{"a":{"b":1},"b":2}`} {
		r, err := fl.Flatten([]byte(raw), FormatJSON)
		if err != nil {
			continue
		}
		fresh, _ := newFlattener().Flatten([]byte(raw), FormatJSON)
		if diff := cmp.Diff(leavesOf(fresh), leavesOf(r)); diff != "" {
			t.Errorf("%s (-fresh +used):\n%s", raw, diff)
		}
	}
}

// A table without room must cost names nothing but time.
func TestOverflow(t *testing.T) {
	const raw = `{"a":{"b":[1,{"c":"x"}]},"d":{"e":[],"f.g":true},"h":"y","EventData":{"Some Name":7},"TimeCreated":"2024-01-01T00:00:00Z","Computer":"WS-1"}`
	want, err := newFlattener().Flatten([]byte(raw), FormatWindows)
	if err != nil {
		t.Fatal(err)
	}
	for limit := 2; limit < 16; limit++ {
		got, err := NewFlattener(NewPaths(limit), DefaultLimits).Flatten([]byte(raw), FormatWindows)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(leavesOf(want), leavesOf(got)); diff != "" {
			t.Errorf("%d paths (-want +got):\n%s", limit, diff)
		}
		if v, ok := got.First("SomeName"); !ok || v != "7" {
			t.Errorf("%d paths: SomeName is %q", limit, v)
		}
		if when, ok := got.Time(); !ok || when.Year() != 2024 || got.Host() != "WS-1" {
			t.Errorf("%d paths: time %v, host %q", limit, when, got.Host())
		}
	}
}

// Hostile keys must cost no memory that outlives their record.
func TestHostileKeysAreNotKept(t *testing.T) {
	paths := NewPaths(100)
	fl := NewFlattener(paths, DefaultLimits)
	huge := strings.Repeat("k", 5_000_000)
	r, err := fl.Flatten([]byte(`{"`+huge+`":{"x":1},"a":2}`), FormatJSON)
	if err != nil {
		t.Fatal(err)
	}
	if r.Fields[0].Path != Overflow || r.Fields[1].Path == Overflow {
		t.Fatalf("fields %v", r.Fields)
	}
	if got := r.Locate(&r.Fields[0]); got != huge+".x" {
		t.Errorf("the huge key is located as %d bytes", len(got))
	}
	for i := range 200 {
		raw := fmt.Sprintf(`{"%s%d":{"%s":1}}`, strings.Repeat("m", 1000), i, strings.Repeat("n", 1000))
		if _, err := fl.Flatten([]byte(raw), FormatJSON); err != nil {
			t.Fatal(err)
		}
	}
	text := 0
	for i := range paths.Len() {
		text += len(paths.Path(PathID(i)))
	}
	if text > 100*meanText || paths.Len() > 100 || len(fl.nodes) > 100 {
		t.Errorf("%d paths of %d bytes, %d remembered", paths.Len(), text, len(fl.nodes))
	}
}

func TestFlattenersShareIDs(t *testing.T) {
	paths := NewPaths(0)
	a, b := NewFlattener(paths, DefaultLimits), NewFlattener(paths, DefaultLimits)
	ra, _ := a.Flatten([]byte(`{"x":1,"y":{"z":2}}`), FormatJSON)
	rb, _ := b.Flatten([]byte(`{"y":{"z":2},"x":1}`), FormatJSON)
	if ra.Fields[0].Path != rb.Fields[1].Path || ra.Fields[1].Path != rb.Fields[0].Path {
		t.Errorf("%v and %v", ra.Fields, rb.Fields)
	}
}

// drawObject draws any JSON object, with repeated and odd keys.
func drawObject(t *rapid.T, depth int) map[string]any {
	object := map[string]any{}
	for range rapid.IntRange(0, 5).Draw(t, "keys") {
		object[drawText(t)] = drawValue(t, depth)
	}
	return object
}

func drawText(t *rapid.T) string {
	return rapid.OneOf(
		rapid.SampledFrom([]string{"a", "b", "id.orig_h", "", "src ip", "EventData", "Data", "@Name", "#text"}),
		rapid.String(),
		rapid.StringOfN(rapid.RuneFrom([]rune(`\\\\"/x[]{}.`+"\n\u2028")), 0, 90, -1),
	).Draw(t, "text")
}

func drawValue(t *rapid.T, depth int) any {
	kind := rapid.IntRange(0, 7).Draw(t, "kind")
	if depth == 0 {
		kind %= 6
	}
	switch kind {
	case 0:
		return nil
	case 1:
		return rapid.Bool().Draw(t, "bool")
	case 2:
		return json.Number(fmt.Sprint(rapid.Float64Range(-1e300, 1e300).Draw(t, "float")))
	case 3:
		return json.Number(fmt.Sprint(rapid.Int64().Draw(t, "int")))
	case 6:
		return drawObject(t, depth-1)
	case 7:
		array := []any{}
		for range rapid.IntRange(0, 4).Draw(t, "elements") {
			array = append(array, drawValue(t, depth-1))
		}
		return array
	}
	return drawText(t)
}

// Every scalar of whatever encoding/json writes is found, under its path and
// with its value, by a Flattener that has already seen other records.
func TestFlattenAgreesWithEncodingJSON(t *testing.T) {
	fl, cramped := newFlattener(), NewFlattener(NewPaths(20), DefaultLimits)
	rapid.Check(t, func(t *rapid.T) {
		object := drawObject(t, 4)
		var raw []byte
		if rapid.Bool().Draw(t, "indented") {
			raw, _ = json.MarshalIndent(object, "", "  ")
		} else {
			raw, _ = json.Marshal(object)
		}
		fl.paired = false // pairs are the business of TestPairs
		r, err := fl.Flatten(raw, FormatJSON)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		want := map[leaf]int{}
		collect(raw, "", true, func(l leaf) { want[l]++ })
		got := map[leaf]int{}
		fl.paired = false
		for _, l := range leavesOf(r) {
			got[l]++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", raw, diff)
		}
		for i := range r.Fields {
			checkLocate(t, r, &r.Fields[i])
		}
		checkEvent(t, r)
		cramped.paired = false
		again, err := cramped.Flatten(raw, FormatJSON)
		if diff := cmp.Diff(leavesOf(r), leavesOf(again)); diff != "" || err != nil {
			t.Fatalf("%s with few paths: %v (-many +few):\n%s", raw, err, diff)
		}
	})
}

// What looks at many bytes together finds the same end of a string, and the
// same fault in it, as what looks at one byte after another.
func TestStringEndAgrees(t *testing.T) {
	pieces := []string{`\\`, `\\`, `\"`, `\n`, `\u00e9`, `]`, `#`, "x", "xxxxxxx", "é", "\x00", "\xff", "{", strings.Repeat("y", 61)}
	faults := append([]string{`\`, `\x`, `\u12`, `"`, `\]`}, pieces...)
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{0, 1, 2, 3, 5, 8, 20, 60, 200}).Draw(t, "how many")
		of := pieces
		if rapid.Bool().Draw(t, "faulty") {
			of = faults
		}
		seed := rapid.Uint64().Draw(t, "seed")
		random := rand.New(rand.NewPCG(seed, 0)) // rapid's own slices are mostly short
		s := []byte(strings.Repeat(" ", random.IntN(70)) + `"`)
		for range n {
			s = append(s, of[random.IntN(len(of))]...)
		}
		s = append(s, strings.Repeat(`"`, random.IntN(3))+strings.Repeat(" ", random.IntN(20))...)
		start := bytes.IndexByte(s, '"') + 1
		slow := slowParser{s: s, i: start - 1}
		text, want := slow.text()
		end, escaped, err := stringEnd(s, start)
		if (err == nil) != (want == nil) {
			t.Fatalf("%q: %v, want %v", s, err, want)
		}
		if err == nil && (end != start+len(text) || escaped != strings.Contains(text, `\`)) {
			t.Fatalf("%q ends at %d, want %d", s, end, start+len(text))
		}
	})
}

// The expected key is compared as two words: no other key may pass for it.
func TestKeysThatLookAlike(t *testing.T) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOP"
	fl := newFlattener()
	for n := range len(letters) {
		key := letters[:n]
		alike := []string{key, key + "x", key + key, strings.ToUpper(key), strings.Replace(key, "b", `\u0062`, 1)}
		for i := range n {
			alike = append(alike, key[:i]+"-"+key[i+1:], key[:i]+key[i+1:])
		}
		for _, other := range alike {
			for _, after := range []string{"", " ", `,"and":"more than eight bytes"`} {
				for _, k := range []string{key, other} {
					raw := fmt.Sprintf(`{"z":0,"%s":1%s}`, k, after)
					r, err := fl.Flatten([]byte(raw), FormatJSON)
					if err != nil {
						t.Fatalf("%s: %v", raw, err)
					}
					if want := strings.ReplaceAll(k, `\u0062`, "b"); r.NamesOf(&r.Fields[1])[0] != want || r.String(&r.Fields[1]) != "1" {
						t.Fatalf("%s: %v", raw, leavesOf(r))
					}
				}
			}
		}
	}
}

// collect walks raw with encoding/json.
func collect(raw []byte, path string, top bool, add func(leaf)) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var value any
	if err := dec.Decode(&value); err != nil {
		panic(err)
	}
	var walk func(v any, path string, top bool)
	walk = func(v any, path string, top bool) {
		switch v := v.(type) {
		case map[string]any:
			if len(v) == 0 && !top {
				add(leaf{path, Empty, "{}"})
			}
			for k, child := range v {
				if top {
					walk(child, k, false)
				} else {
					walk(child, path+"."+k, false)
				}
			}
		case []any:
			if len(v) == 0 {
				add(leaf{path, Empty, "[]"})
			}
			for _, child := range v {
				walk(child, path, false)
			}
		case string:
			add(leaf{path, Text, v})
		case json.Number:
			add(leaf{path, Number, v.String()})
		case bool:
			if v {
				add(leaf{path, True, "true"})
			} else {
				add(leaf{path, False, "false"})
			}
		case nil:
			add(leaf{path, Null, "null"})
		}
	}
	walk(value, path, top)
}

// fatal is what testing.T and rapid.T have in common here.
type fatal interface{ Fatalf(string, ...any) }

// checkLocate walks the located path, indexes and all, with a plain parser, and
// must come to the same value.
func checkLocate(t fatal, r *Record, f *Field) {
	where := r.Locate(f)
	found := false
	slow := slowParser{s: r.Raw, visit: func(path string, start int, kind Kind) {
		if start == int(f.Start) {
			found = path == where
		}
	}}
	slow.object()
	if !found {
		t.Fatalf("%s: the value at %d is not at %q", r.Raw, f.Start, where)
	}
}

// TestVerbatim: what stands behind \u decides.
func TestVerbatim(t *testing.T) {
	fl := NewFlattener(NewPaths(0), DefaultLimits)
	for raw, want := range map[string]bool{
		`{"a":"plain","b":1}`:          true,
		`{"a":"C:\\x\n\"q\""}`:         true,
		`{"a":"\u003cb\u003e \u0026"}`: true,
		`{"a":"\u00e9 \u20ac"}`:        true,
		`{"a":"mimi\u006batz"}`:        false,
		`{"a":{"b":["x","\u0041"]}}`:   false,
	} {
		rec, err := fl.Flatten([]byte(raw), FormatJSON)
		if err != nil {
			t.Fatal(err)
		}
		if rec.Verbatim() != want {
			t.Errorf("%s: Verbatim is %t", raw, !want)
		}
	}
}
