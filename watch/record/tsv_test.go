package record

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const zeekHead = "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tdns\n#open\t2024-01-01-00-00-00\n" +
	"#fields\tts\tid.orig_h\tAA\tanswers\tTTLs\tnote\n#types\ttime\taddr\tbool\tvector[string]\tvector[interval]\tenum\n"

func TestZeekTSV(t *testing.T) {
	const dns = ` _path=text:"dns"`
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"a row", zeekHead + "1.5\t10.0.0.1\tT\ta,b\t1.0,2.5\tx y\n#close\t2024-01-01-01-00-00\n",
			[]string{`ts=number:"1.5" id.orig_h=text:"10.0.0.1" AA=true:"T" answers=text:"a" answers=text:"b" TTLs=number:"1.0" TTLs=number:"2.5" note=text:"x y"` + dns}},
		{"unset and empty", zeekHead + "-\t-\tF\t(empty)\t-\t(empty)\n", []string{`AA=false:"F" answers=empty:"" note=text:""` + dns}},
		{"unset within a list", zeekHead + "-\t-\t-\ta,-,b\t-\t-\n", []string{`answers=text:"a" answers=text:"b"` + dns}},
		{"escapes", zeekHead + "-\t-\t-\ta\\x2cb,c\t-\tx\\x09y\\\\z\\q\n", []string{`answers=text:"a,b" answers=text:"c" note=text:"x\ty\\z\\q"` + dns}},
		{"CRLF", strings.ReplaceAll(zeekHead+"1\t-\t-\t-\t-\tx\n", "\n", "\r\n"), []string{`ts=number:"1" note=text:"x"` + dns}},
		{"too few and too many columns", zeekHead + "1\t2\n1\t2\t3\t4\t5\t6\t7\t8\n2\t-\t-\t-\t-\t-\n",
			[]string{"! 2 columns where the header names 6", "! 8 columns where the header names 6", `ts=number:"2"` + dns}},
		{"the header changes", zeekHead + "1\t-\t-\t-\t-\t-\n#separator \\x09\n#path\tconn\n#fields\tuid\n#types\tstring\nC1\n",
			[]string{`ts=number:"1"` + dns, `uid=text:"C1" _path=text:"conn"`}},
		{"another separator", "#separator \\x7c\n#set_separator|;\n#empty_field|E\n#unset_field|U\n#path|x\n#fields|a|b\n#types|set[count]|string\n1;2|U\nE|y\n",
			[]string{`a=number:"1" a=number:"2" _path=text:"x"`, `a=empty:"" b=text:"y" _path=text:"x"`}},
		{"no types", "#fields\ta\tb\n1\tT\n", []string{`a=number:"1" b=text:"T"`}},
		{"no header", "1\t2\n", []string{"! " + errNoZeekHeader.Error()}},
		{"rows before the header", "1\t2\n#fields\ta\n3\n", []string{"! " + errNoZeekHeader.Error(), `a=number:"3"`}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := mustCut(t, tt.text, layout{format: FormatZeek, shape: ShapeZeekTSV})
			if diff := cmp.Diff(tt.want, brief(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestZeekTSVRefused(t *testing.T) {
	got, err := cutText(strings.NewReader("#fields\ta\tb\tc\n1\t2\t3\n#fields\ta\n#types\tset[int]\n1,2,3\n"+strings.Repeat("x", 30)+"\n#"+strings.Repeat("x", 30)+"\n"),
		layout{shape: ShapeZeekTSV}, Limits{Line: 20, Depth: 4, Fields: 2}, 64)
	if diff := cmp.Diff([]string{"! " + errNoZeekHeader.Error(), "! " + ErrFields.Error(), "! " + ErrLine.Error(), "! " + ErrLine.Error()}, brief(got)); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// FuzzZeekTSV: rows mean the same however they arrive, and a row under a plain
// header is what splitting at tabs gives.
func FuzzZeekTSV(f *testing.F) {
	f.Add("#fields\ta\tb\n#types\tset[string]\tcount\n", "x,y\t1", 10)
	f.Add(zeekHead, "1\t2\t3\t4\t5\t6", 64)
	f.Add("#separator \\x20\n#fields a b\n", "1 2", 8)
	f.Fuzz(func(t *testing.T, header, row string, block int) {
		block = 8 + max(block, -block)%100
		text := header + "\n" + row + "\n"
		plan := layout{shape: ShapeZeekTSV}
		whole, wholeErr := cutText(strings.NewReader(text), plan, DefaultLimits, chunkBytes)
		parts, partsErr := cutText(strings.NewReader(text), plan, DefaultLimits, block)
		if diff := cmp.Diff(whole, parts); diff != "" || wholeErr != nil || partsErr != nil {
			t.Fatal(diff, wholeErr, partsErr)
		}
		if strings.ContainsAny(row, "\n\r") || strings.TrimLeft(row, " \t") == "" || row[0] == '#' {
			return
		}
		cells := strings.Split(row, "\t")
		names := make([]string, len(cells))
		var want []string
		for i, c := range cells {
			names[i] = fmt.Sprint("c", i)
			switch c {
			case "-":
			case "(empty)":
				want = append(want, fmt.Sprintf("c%d=text:%q", i, ""))
			default:
				want = append(want, fmt.Sprintf("c%d=text:%q", i, appendDecoded(nil, []byte(c), ZeekText)))
			}
		}
		plain := "#fields\t" + strings.Join(names, "\t") + "\n#types" + strings.Repeat("\tstring", len(cells)) + "\n" + row
		got := mustCut(t, plain, plan)
		if len(got) != 1 || got[0].Fields != strings.Join(want, " ") {
			t.Fatalf("%q: %v, want %v", row, got, want)
		}
	})
}
