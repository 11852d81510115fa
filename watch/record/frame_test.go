package record

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// line is what became of one record: its fields, or why it was set aside.
type line struct {
	Fields string
	Reason string
	Offset int64
	Sample string
}

// cutText reads text as plan says, in chunks of about block bytes.
func cutText(r io.Reader, plan layout, limits Limits, block int) ([]line, error) {
	in := &Input{Name: "test", Format: plan.format, Shape: plan.shape}
	fl := NewFlattener(NewPaths(0), limits)
	var got []line
	f := newFramer(r, in, limits, block, func(c *Chunk) error {
		next := 0
		order := func(n int) {
			if n != next {
				panic(fmt.Sprintf("record %d came where %d was due", n, next))
			}
			next++
		}
		records := c.Each(fl, func(n int, r *Record) {
			order(n)
			got = append(got, line{Fields: fieldsText(r)})
		}, func(n int, rej Reject) {
			order(n)
			got = append(got, line{Reason: rej.Reason, Offset: rej.Offset, Sample: rej.Sample})
		})
		if records != next || c.Count() != next {
			panic(fmt.Sprintf("%d records were said to be %d", next, records))
		}
		c.Release()
		return nil
	})
	if err := f.run(plan); err != nil {
		return got, err
	}
	if !errors.Is(f.err, io.EOF) {
		return got, f.err
	}
	return got, nil
}

// fieldsText writes the fields of a record so that they can be compared.
func fieldsText(r *Record) string {
	var b strings.Builder
	for i := range r.Fields {
		f := &r.Fields[i]
		fmt.Fprintf(&b, "%s=%s:%q ", r.paths.Path(f.Path), kindNames[f.Kind], r.String(f))
	}
	return strings.TrimSuffix(b.String(), " ")
}

var kindNames = [...]string{"null", "false", "true", "number", "empty", "text", "text", "text", "text", "text"}

func mustCut(t testing.TB, text string, plan layout) []line {
	t.Helper()
	got, err := cutText(strings.NewReader(text), plan, DefaultLimits, chunkBytes)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// brief writes results one a line: the fields, or ! and the reason.
func brief(lines []line) []string {
	var out []string
	for _, l := range lines {
		if l.Reason != "" {
			out = append(out, "! "+l.Reason)
		} else {
			out = append(out, l.Fields)
		}
	}
	return out
}

func TestLines(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"two", `{"a":1}` + "\n" + `{"a":2}` + "\n", []string{`a=number:"1"`, `a=number:"2"`}},
		{"no line end", `{"a":1}`, []string{`a=number:"1"`}},
		{"CRLF", "{\"a\":1}\r\n{\"a\":2}\r\n", []string{`a=number:"1"`, `a=number:"2"`}},
		{"empty lines are no records", "\n\n \t\r\n{\"a\":1}\n\n", []string{`a=number:"1"`}},
		{"a broken line keeps its neighbours", "{\"a\":1}\n{\"a\":\n{\"a\":2}\n", []string{`a=number:"1"`, "! byte 5: the record ends before a value", `a=number:"2"`}},
		{"two on a line", `{"a":1} {"a":2}` + "\n", []string{"! byte 8: something follows the object"}},
		{"NUL bytes", "\x00\x00{\"a\":1}\n{\"a\":2}\n", []string{"! byte 0: not a JSON object", `a=number:"2"`}},
		{"scalars", "1\n\"x\"\n[1]\nnull\n", []string{"! byte 0: not a JSON object", "! byte 0: not a JSON object", "! byte 0: not a JSON object", "! byte 0: not a JSON object"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := mustCut(t, tt.text, layout{shape: ShapeLines})
			if diff := cmp.Diff(tt.want, brief(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestStructures(t *testing.T) {
	const one, two, three = `a=number:"1"`, `a=number:"2"`, `a=number:"3"`
	for _, tt := range []struct {
		name, text, wrapper string
		want                []string
		cut                 bool // the input is said to be cut short
	}{
		{name: "objects on one line", text: `{"a":1}{"a":2} {"a":3}`, want: []string{one, two, three}},
		{name: "pretty-printed", text: "{\n  \"a\": 1\n}\n{\n  \"a\": 2\n}\n", want: []string{one, two}},
		{name: "commas between", text: "{\"a\":1},\n{\"a\":2},\n", want: []string{one, two}},
		{name: "an array", text: `[{"a":1},{"a":2}]`, want: []string{one, two}},
		{name: "a pretty array", text: "[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": 2\n  }\n]\n", want: []string{one, two}},
		{name: "an empty array", text: "[ ]\n", want: nil},
		{name: "arrays one after another", text: "[{\"a\":1}]\n[{\"a\":2}]", want: []string{one, two}},
		{name: "elements that are no objects", text: `[{"a":1},7,"x,]y",null,[1,2],{"a":2}]`,
			want: []string{one, "! byte 0: not a JSON object", "! byte 0: not a JSON object", "! byte 0: not a JSON object", "! byte 0: not a JSON object", two}},
		{name: "braces and quotes in strings", text: `{"a":"}]{[\"\\"}{"a":2}`, want: []string{`a=text:"}]{[\"\\"`, two}},
		{name: "wrapped", text: `{"Records":[{"a":1},{"a":2}]}`, wrapper: "Records", want: []string{one, two}},
		{name: "wrapped, more around", text: "{\"n\":{\"x\":[1]},\"Records\":\n[{\"a\":1}\n,{\"a\":2}],\"next\":\"]}\",\"m\":[{\"q\":1}]}\n", wrapper: "Records", want: []string{one, two}},
		{name: "wrapped, one a line", text: "{\"Records\":[{\"a\":1}]}\n{\"Records\":[]}\n{\"Records\":[{\"a\":2}]}\n", wrapper: "Records", want: []string{one, two}},
		{name: "not all wrapped", text: "{\"Records\":[{\"a\":1}]}\n{\"a\":2}\n", wrapper: "Records", want: []string{one, two}},
		{name: "the wrapper's key deeper down", text: `{"x":{"Records":[{"a":1}]}}`, wrapper: "Records", want: []string{`x.Records.a=number:"1"`}},
		{name: "a value like the wrapper's key", text: `{"x":"Records","y":[{"a":1}]}`, wrapper: "Records", want: []string{`x=text:"Records" y.a=number:"1"`}},
		{name: "a brace is missing", text: "{\n \"a\": 1\n{\n \"a\": 2\n}\n", want: []string{"! " + reasonOpen, two}},
		{name: "the last brace is missing", text: "{\n \"a\": 1\n}\n{\n \"a\": 2\n", want: []string{one, "! " + reasonOpen}},
		{name: "a line ends in a string", text: "{\n \"a\": \"x\n}\n{\n \"a\": 2\n}\n", want: []string{"! " + reasonOpenString, two}},
		{name: "closed crosswise", text: "{\n \"a\": [1}\n}\n{\n \"a\": 2\n}\n", want: []string{"! " + reasonCrosswise, two}},
		{name: "cut in an array", text: "{\n \"b\": [\n  1,\n{\n \"a\": 2\n}\n", want: []string{"! " + reasonOpen, two}},
		{name: "flat nested objects are not fresh", text: "{\n\"b\": [\n{\n\"c\": 1\n},\n{\n\"c\": 2\n}\n]\n}\n", want: []string{`b.c=number:"1" b.c=number:"2"`}},
		{name: "a broken element of an array", text: "[\n  {\n    \"a\": 1\n  },\n  {\n    \"a\": \"x\n  },\n  {\n    \"a\": 2\n  }\n]\n", want: []string{one, "! " + reasonOpenString, two}},
		{name: "a broken element of an array on one line", text: `[{"a":1},{"b":]},{"a":2}, {"a":3}]`, want: []string{one, "! " + reasonCrosswise, two, three}},
		{name: "two broken elements on one line", text: `[{"b":],"x":"[{\"y\":1},{\"z\":2}]"},{"a":2},{"b":[}} , {"a":3}]`,
			want: []string{"! " + reasonCrosswise, "! byte 1: a key must be a string", two, "! " + reasonCrosswise, three}},
		{name: "text between", text: "{\"a\":1}\nhello [ { \" \n{\"a\":2}\n", want: []string{one, "! byte 0: not a JSON object", two}},
		{name: "closes nothing", text: "}\n]\n{\"a\":2}\n", want: []string{"! byte 0: not a JSON object", "! byte 0: not a JSON object", two}},
		{name: "an array that is not closed", text: `[{"a":1},{"a":2}`, want: []string{one, two}, cut: true},
		{name: "a bad record inside", text: `{"a":tru}{"a":2}`, want: []string{"! byte 5: not a JSON value", two}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := cutText(strings.NewReader(tt.text), layout{shape: ShapePretty, wrapper: tt.wrapper}, DefaultLimits, chunkBytes)
			if diff := cmp.Diff(tt.want, brief(got)); diff != "" {
				t.Error(diff)
			}
			if errors.Is(err, errOpenArray) != tt.cut {
				t.Errorf("error %v, want cut short: %v", err, tt.cut)
			}
		})
	}
}

// What opens objects and arrays for ever is followed to a bound, and reading
// goes on with the next line.
func TestStructuresDepth(t *testing.T) {
	for _, tt := range []struct{ name, head string }{
		{"arrays", "{\"a\":\n" + strings.Repeat("[", 10*followedDepth) + "\n"},
		{"objects", "{\"a\":\n" + strings.Repeat(`{"a":`, 2*followedDepth) + "\n"},
		{"over the bound of a line", "{\"a\":\n" + strings.Repeat("[", 100*followedDepth) + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFramer(strings.NewReader(tt.head+"{\"a\":2}\n"), &Input{Shape: ShapePretty}, Limits{Line: 1 << 22, Depth: 128, Fields: 8}, chunkBytes, nil)
			fl := NewFlattener(NewPaths(0), f.limits)
			var got []string
			f.emit = func(c *Chunk) error {
				c.Each(fl, func(_ int, r *Record) { got = append(got, fieldsText(r)) }, func(_ int, r Reject) { got = append(got, "! "+r.Reason) })
				return nil
			}
			j := &jsonScanner{f: f}
			if err := j.read(); err != nil {
				t.Fatal(err)
			}
			reason := ErrDepth
			if len(tt.head) > f.limits.Line {
				reason = ErrLine
			}
			if diff := cmp.Diff([]string{"! " + reason.Error(), `a=number:"2"`}, got); diff != "" {
				t.Error(diff)
			}
			if len(j.arrays) > followedDepth/64 {
				t.Errorf("%d words of depth", len(j.arrays))
			}
		})
	}
}

// Records over the bound are set aside without being kept, in every shape, and
// their neighbours stay.
func TestTooLong(t *testing.T) {
	limits := Limits{Line: 3000, Depth: 8, Fields: 8}
	long := strings.Repeat("A", 10_000)
	for _, tt := range []struct {
		name, text string
		plan       layout
		bytes      int64
	}{
		{"lines", "{\"a\":1}\n{\"a\":\"" + long + "\"}\n{\"a\":2}\n", layout{shape: ShapeLines}, 10_008},
		{"lines, at the end", "{\"a\":1}\n{\"a\":2}\n" + long, layout{shape: ShapeLines}, 10_000},
		{"pretty", "{\n \"a\":1}\n{\n \"a\":\"" + long + "\"}\n{\n \"a\":2}\n", layout{shape: ShapePretty}, 10_010},
		{"pretty, never closed", "{\n \"a\":1}\n{\n \"a\":[\"" + long + "\",\n{\n \"a\":2}\n", layout{shape: ShapePretty}, 10_012},
		{"array", "[{\"a\":1},{\"a\":\"" + long + "\"},{\"a\":2}]", layout{shape: ShapeArray}, 10_008},
		{"CSV cell", "a\n1\n" + long + "\n2\n", layout{shape: ShapeCSV, comma: ','}, 10_000},
		{"CSV quoted cell on one line", "a\n1\n\"" + long + "\n2\n", layout{shape: ShapeCSV, comma: ','}, 10_001},
		{"CSV quoted cell of many lines", "a\n1\n\"x\n" + strings.Repeat("2\n", 4000), layout{shape: ShapeCSV, comma: ','}, 2},
		{"Zeek", "#fields\ta\n#types\tcount\n1\n" + long + "\n2\n", layout{shape: ShapeZeekTSV}, 10_000},
	} {
		for _, block := range []int{64, 700, 4096, chunkBytes} {
			t.Run(fmt.Sprint(tt.name, " ", block), func(t *testing.T) {
				var bad []Reject
				good := 0
				in := &Input{Name: "x", Shape: tt.plan.shape}
				fl := NewFlattener(NewPaths(0), limits)
				f := newFramer(strings.NewReader(tt.text), in, limits, block, func(c *Chunk) error {
					c.Each(fl, func(int, *Record) { good++ }, func(_ int, r Reject) { bad = append(bad, r) })
					if cap(c.block) > 2*limits.Line+2*block {
						t.Errorf("%d bytes were kept", cap(c.block))
					}
					c.Release()
					return nil
				})
				if err := f.run(tt.plan); err != nil {
					t.Fatal(err)
				}
				if len(bad) != 1 || good < 2 {
					t.Fatalf("%d records, set aside: %+v", good, bad)
				}
				if bad[0].Bytes != tt.bytes || len(bad[0].Sample) > sampleBytes || bad[0].Offset != int64(strings.Index(tt.text, bad[0].Sample[:2])) && bad[0].Offset == 0 {
					t.Errorf("set aside: %+v, want %d bytes", bad[0], tt.bytes)
				}
			})
		}
	}
}

// Many small records make more than one chunk.
func TestManySmallRecords(t *testing.T) {
	const n = 3*chunkSpans + 5
	for shape, text := range map[string]string{
		ShapeArray: "[" + strings.Repeat("1,", n) + "]",
		ShapeCSV:   "a\n" + strings.Repeat("1\n", n),
	} {
		largest := 0
		records := 0
		f := newFramer(strings.NewReader(text), &Input{Shape: shape}, DefaultLimits, chunkBytes, func(c *Chunk) error {
			largest = max(largest, len(c.spans))
			records += len(c.spans)
			c.Release()
			return nil
		})
		if err := f.run(layout{shape: shape, comma: ','}); err != nil || records != n || largest > chunkSpans {
			t.Errorf("%s: %d records of %d, at most %d in a chunk, %v", shape, records, n, largest, err)
		}
	}
}

// pieces are what random inputs are made of: whole and broken records, and
// what may stand between them.
var pieces = map[string][]string{
	ShapeLines: {`{"a":1}`, `{"b":"x\n\"y"}`, "\n", "\n", "\r\n", " ", `{"a":`, `"`, `}`, "{\"l\":\"" + strings.Repeat("v", 70) + "\"}"},
	ShapePretty: {`{"a":1}`, "{\n  \"a\": 1\n}", "{\n  \"b\": [\n    {\n      \"c\": \"}\\\"\"\n    }\n  ]\n}", "\n", "\n", ",", "[", "]", "{", "}", `"`, "\\",
		`"Records":`, `{"Records":[`, "]}", " ", "x", "\r\n", "\"l\":\"" + strings.Repeat("v", 70) + "\""},
	ShapeCSV:     {"a", "1", ",", ",", `"x,y"`, `"p` + "\n" + `q"`, `""`, `"`, "\n", "\n", "\r\n", " ", strings.Repeat("v", 70)},
	ShapeZeekTSV: {"#fields\tx\ty\n", "#types\tcount\tset[string]\n", "#separator \\x09\n", "#path\tdns\n", "#close\n", "1\ta,b\n", "-\t(empty)\n", "\t", "\n", "\\x41", "1", "#", "#fields\tz\n", strings.Repeat("v", 70)},
	ShapeAudit:   {"type=EXECVE msg=audit(1.5:2): ", "a0=\"x\" ", "a1=4142 ", "key=(null)", "msg='op=x acct=\"y\" '", "\x1dUID=\"root\"", "\n", "\n", "node=n ", " ", "'", strings.Repeat("v", 70)},
}

// How an input arrives never changes what is read from it.
func TestChunkBoundariesDoNotMatter(t *testing.T) {
	for shape, parts := range pieces {
		t.Run(shape, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 60).Draw(t, "pieces"), "")
				block := rapid.IntRange(8, 200).Draw(t, "block")
				limits := Limits{Line: rapid.SampledFrom([]int{40, 100, 1 << 20}).Draw(t, "line"), Depth: 16, Fields: 100}
				plan := layout{shape: shape, comma: ','}
				if shape == ShapePretty {
					plan.wrapper = "Records"
				}
				want, wantErr := cutText(strings.NewReader(text), plan, limits, chunkBytes)
				got, err := cutText(iotest.HalfReader(strings.NewReader(text)), plan, limits, block)
				for _, lines := range [][]line{want, got} { // a tight bound keeps less of a sample
					for i := range lines {
						lines[i].Sample = lines[i].Sample[:min(len(lines[i].Sample), 40)]
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("%q in blocks of %d: %s", text, block, diff)
				}
				if fmt.Sprint(err) != fmt.Sprint(wantErr) {
					t.Fatalf("%q: %v, want %v", text, err, wantErr)
				}
			})
		})
	}
}

// FuzzFrame: whatever the bytes, JSON lines are what splitting at newlines
// gives, and objects one after another are what reading each by itself gives.
func FuzzFrame(f *testing.F) {
	f.Add([]byte("{\"a\":1}\n{\"a\":\"x\"}\n"), 10)
	f.Add([]byte("{\n \"a\": 1\n}\n[{\"b\":[{}]},\n{\"c\":2}]"), 16)
	f.Add([]byte("{\"Records\":[{\"a\":1},{\"a\":2}],\"x\":1}"), 9)
	f.Add([]byte("0\n00000000\n{: ["), 10) // a bracket behind an old string
	f.Add([]byte("{\n \"a\": \"x\n}\n{\n \"b\": [1}\n}\n{\"c\":2}\n"), 20)
	f.Fuzz(func(t *testing.T, text []byte, block int) {
		block = 8 + max(block, -block)%200
		got, err := cutText(bytes.NewReader(text), layout{shape: ShapeLines}, DefaultLimits, block)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(splitLines(text), got); diff != "" {
			t.Fatal(diff)
		}
		plan := layout{shape: ShapePretty, wrapper: "Records"}
		whole, wholeErr := cutText(bytes.NewReader(text), plan, DefaultLimits, chunkBytes)
		parts, partsErr := cutText(bytes.NewReader(text), plan, DefaultLimits, block)
		if diff := cmp.Diff(whole, parts); diff != "" || fmt.Sprint(wholeErr) != fmt.Sprint(partsErr) {
			t.Fatal(diff, wholeErr, partsErr)
		}
		want, ok := decodeAll(text)
		if !ok {
			return
		}
		alone, err := cutText(bytes.NewReader(text), layout{shape: ShapePretty}, DefaultLimits, block)
		if diff := cmp.Diff(want, alone); diff != "" || err != nil {
			t.Fatal(diff, err)
		}
	})
}

// splitLines is the plain reading of JSON lines.
func splitLines(text []byte) []line {
	fl := NewFlattener(NewPaths(0), DefaultLimits)
	var want []line
	offset := int64(0)
	for _, l := range bytes.SplitAfter(text, []byte("\n")) {
		raw := bytes.TrimSuffix(bytes.TrimSuffix(l, []byte("\n")), []byte("\r"))
		if len(bytes.Trim(raw, " \t\r\n")) > 0 {
			if r, err := fl.Flatten(raw, FormatJSON); err != nil {
				want = append(want, line{Reason: err.Error(), Offset: offset, Sample: sample(raw)})
			} else {
				want = append(want, line{Fields: fieldsText(r)})
			}
		}
		offset += int64(len(l))
	}
	return want
}

// decodeAll reads objects one after another with the standard library; it is
// false when text is anything else, or is read differently on purpose.
func decodeAll(text []byte) ([]line, bool) {
	fl := NewFlattener(NewPaths(0), DefaultLimits)
	dec := json.NewDecoder(bytes.NewReader(text))
	var want []line
	for {
		var raw json.RawMessage
		if err := dec.Decode(&raw); errors.Is(err, io.EOF) {
			return want, true
		} else if err != nil || raw[0] != '{' {
			return nil, false
		}
		r, err := fl.Flatten(raw, FormatJSON)
		if err != nil {
			return nil, false
		}
		want = append(want, line{Fields: fieldsText(r)})
	}
}
