package record

import (
	"encoding/csv"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCSV(t *testing.T) {
	for _, tt := range []struct {
		name, text string
		comma      byte
		want       []string
	}{
		{"plain", "a,b\n1,x\n2,y\n", ',', []string{`a=number:"1" b=text:"x"`, `a=number:"2" b=text:"y"`}},
		{"CRLF and no last line end", "a;b\r\n1;x\r\n2;y", ';', []string{`a=number:"1" b=text:"x"`, `a=number:"2" b=text:"y"`}},
		{"quotes", "a,b\n\"x,\"\"y\"\"\",\"two\nlines\"\n", ',', []string{`a=text:"x,\"y\"" b=text:"two\nlines"`}},
		{"quoted names", "\"the \"\"a\"\"\", b \n1,2\n", ',', []string{`the "a"=number:"1" b=number:"2"`}},
		{"nameless column", "a,,b\n1,2,3\n", ',', []string{`a=number:"1" column2=number:"2" b=number:"3"`}},
		{"empty cells", "a,b,c\n,\"\",3\n", ',', []string{`b=text:"" c=number:"3"`}},
		{"a short row", "a,b,c\n1\n2,x,y\n", ',', []string{`a=number:"1"`, `a=number:"2" b=text:"x" c=text:"y"`}},
		{"a long row", "a,b\n1,2,3\n4,5\n", ',', []string{"! 3 columns where the header names 2", `a=number:"4" b=number:"5"`}},
		{"a long row of nothing", "a,b\n1,2,,\n", ',', []string{`a=number:"1" b=number:"2"`}},
		{"numbers", "a\n-1.5e3\n007\n1.2.3.4\n+1\n", ',', []string{`a=number:"-1.5e3"`, `a=text:"007"`, `a=text:"1.2.3.4"`, `a=text:"+1"`}},
		{"an open quote", "a,b\n\"x,1\ny,2\nz,3\n", ',', []string{"! " + errOpenQuote.Error(), `a=text:"y" b=number:"2"`, `a=text:"z" b=number:"3"`}},
		{"a quote inside a cell", "a,b\n5\" disk,1\ny,2\n", ',', []string{"! " + errOpenQuote.Error(), `a=text:"y" b=number:"2"`}},
		{"text behind a quote", "a,b\n\"x\"y,1\ny,2\n", ',', []string{"! " + errOpenQuote.Error(), `a=text:"y" b=number:"2"`}},
		{"Excel's separator line", "sep=;\na;b\n1;2\n", ';', []string{`a=number:"1" b=number:"2"`}},
		{"PowerShell's type line", "#TYPE System.X\n\"a\",\"b\"\n\"1\",\"2\"\n", ',', []string{`a=number:"1" b=number:"2"`}},
		{"tabs", "a\tb\n1\tx y\n", '\t', []string{`a=number:"1" b=text:"x y"`}},
		{"names with dots and twice", "e.x,e.x\n1,2\n", ',', []string{`e.x=number:"1" e.x=number:"2"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := mustCut(t, tt.text, layout{format: FormatCSV, shape: ShapeCSV, comma: tt.comma})
			if diff := cmp.Diff(tt.want, brief(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCSVRefused(t *testing.T) {
	limits := Limits{Line: 20, Depth: 4, Fields: 2}
	plan := layout{shape: ShapeCSV, comma: ','}
	for name, tt := range map[string]struct{ text, want string }{
		"broken header":   {"a,\"b\n1,2\n", "the first row, which must name the columns: " + errOpenQuote.Error()},
		"endless header":  {strings.Repeat("a", 50) + "\n", "the first row, which must name the columns: record too long"},
		"too many fields": {"a,b,c\n1,2,3\n", "the first row, which must name the columns: " + ErrFields.Error()},
		"too long":        {"a\n" + strings.Repeat("b", 21) + "\n", ErrLine.Error()},
	} {
		got, err := cutText(strings.NewReader(tt.text), plan, limits, 64)
		reason := fmt.Sprint(err)
		if len(got) > 0 {
			reason = got[0].Reason
		}
		if reason != tt.want {
			t.Errorf("%s: %q, want %q", name, reason, tt.want)
		}
	}
}

// Rows that the standard library reads are read as it reads them.
func TestCSVAsTheStandardLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		width := rapid.IntRange(1, 5).Draw(t, "width")
		names := []string{"c0", "c1", "c2", "c3", "c4"}[:width]
		cell := rapid.SampledFrom([]string{"", "x", "1", `"`, `""`, "a,b", "p\nq", " ", "é", `x"y`})
		rows := rapid.SliceOf(rapid.SliceOfN(cell, width, width)).Draw(t, "rows")
		var text strings.Builder
		w := csv.NewWriter(&text)
		w.UseCRLF = rapid.Bool().Draw(t, "CRLF")
		if err := errors.Join(w.Write(names), w.WriteAll(rows)); err != nil {
			t.Fatal(err)
		}
		checkCSV(t, text.String(), rapid.IntRange(8, 100).Draw(t, "block"))
	})
}

// checkCSV compares with encoding/csv whatever that can read.
func checkCSV(t interface{ Fatalf(string, ...any) }, text string, block int) {
	r := csv.NewReader(strings.NewReader(text))
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil || len(rows) == 0 {
		return
	}
	var got [][]string
	in := &Input{Shape: ShapeCSV}
	fl := NewFlattener(NewPaths(0), DefaultLimits)
	bad := 0
	f := newFramer(strings.NewReader(text), in, DefaultLimits, block, func(c *Chunk) error {
		c.Each(fl, func(_ int, r *Record) {
			row := []string{}
			for i := range r.Fields {
				if v := r.String(&r.Fields[i]); v != "" {
					row = append(row, v)
				}
			}
			got = append(got, row)
		}, func(int, Reject) { bad++ })
		return nil
	})
	if err := f.csv(','); err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	var want [][]string
	for _, row := range rows[1:] {
		cells, surplus := []string{}, false
		for i, v := range row {
			surplus = surplus || v != "" && i >= len(rows[0])
			if v != "" {
				cells = append(cells, v)
			}
		}
		if !surplus {
			want = append(want, cells)
		}
	}
	if bad > 0 {
		return // rows that are set aside: their cells do not fit the header
	}
	if diff := cmp.Diff(dropEmpty(want), dropEmpty(got)); diff != "" {
		t.Fatalf("%q: %s", text, diff)
	}
}

// dropEmpty leaves rows out that hold nothing: a line of white space is no row
// to us, and one cell to the library.
func dropEmpty(rows [][]string) []string {
	var out []string
	for _, r := range rows {
		if s := strings.Join(r, "|"); strings.TrimSpace(s) != "" {
			out = append(out, strings.ReplaceAll(s, "\r\n", "\n"))
		}
	}
	return out
}

func FuzzCSV(f *testing.F) {
	f.Add("a,b\n1,\"x\"\"y\"\n\"two\nlines\",2\n", 10)
	f.Add("a\n\"open\nb\n", 9)
	f.Add("a,b\r\n1\" ,2\r\n", 30)
	f.Fuzz(func(t *testing.T, text string, block int) {
		block = 8 + max(block, -block)%100
		plan := layout{shape: ShapeCSV, comma: ','}
		whole, wholeErr := cutText(strings.NewReader(text), plan, DefaultLimits, chunkBytes)
		parts, partsErr := cutText(strings.NewReader(text), plan, DefaultLimits, block)
		if diff := cmp.Diff(whole, parts); diff != "" || fmt.Sprint(wholeErr) != fmt.Sprint(partsErr) {
			t.Fatal(diff, wholeErr, partsErr)
		}
		if wholeErr != nil {
			return
		}
		if !strings.Contains(text, "\r") && !strings.HasPrefix(text, "#TYPE") && !strings.HasPrefix(text, "sep=") && strings.TrimSpace(text) == text {
			checkCSV(t, text, block)
		}
	})
}
