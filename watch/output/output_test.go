package output

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"borj.dev/borj/watch"
	"borj.dev/borj/watch/record"
	"borj.dev/borj/watch/sigma"
)

var update = flag.Bool("update", false, "rewrite the golden files, instead of comparing")

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s differs (-want +got); if it should, run go test -update\n%s", file, diff)
	}
}

var noon = time.Date(2026, 3, 14, 12, 0, 0, 123_000_000, time.UTC)

// sample is one hit of each kind, with the values that are hard to write.
func sample() []*watch.Hit {
	powershell := &watch.Rule{
		ID: "5a3c1d0e-0001-4b7e-9f00-000000000001", Title: "PowerShell Started by an Office Program",
		Tags: []string{"attack.execution", "attack.t1059.001", "attack.initial-access", "attack.t1566.001"},
	}
	guessing := &watch.Rule{ID: "5a3c1d0e-0002-4b7e-9f00-000000000002", Title: "Many Failed Logons", Tags: []string{"attack.credential-access", "attack.t1110"}}
	listed := &watch.Indicator{ID: "national.txt:3", Type: "ipv4-addr", Value: "192.0.2.66", Source: "national.txt"}
	at := func(n int64) watch.Source { return watch.Source{Input: "logs/windows.json.gz", Record: n} }
	return []*watch.Hit{
		{
			ID: "h1", Time: noon, Kind: watch.KindSigma, Level: sigma.High, Rule: powershell, Source: at(17), Host: "FIN-07",
			Matched: []watch.MatchedPair{
				{Path: "Image", Value: `C:\Windows\System32\powershell.exe`},
				{Path: "CommandLine", Value: `powershell -c "a{0} [x](http://evil)" ` + "\x1b[31m\u202e"},
			},
			Event: []byte(`{"EventID":1,"Image":"C:\\Windows\\System32\\powershell.exe"}`),
		},
		{
			ID: "h2", Time: noon.Add(time.Second), Kind: watch.KindIndicator, Level: sigma.Critical, Indicator: listed,
			Source:  watch.Source{Input: "logs/a b/eve.json", Record: 3, Sensor: "sensor-1"},
			Matched: []watch.MatchedPair{{Path: "dest_ip", Value: "192.0.2.66"}, {Path: "dns.grouped.A", Value: "192.0.2.66"}, {Path: "dest_ip", Value: "192.0.2.67"}},
			Event:   []byte(`{"dest_ip":"192.0.2.66","n":[1,2]}`),
		},
		{
			ID: "h3", Time: noon.Add(time.Minute), Kind: watch.KindCorrelation, Level: sigma.Medium, Rule: guessing, Source: at(6), Host: "dc-éà日本",
			Matched: []watch.MatchedPair{{Path: "TargetUserName", Value: "administrateur"}},
			Records: []watch.Source{at(4), at(5), at(6), at(6)}, Count: 3, FirstSeen: noon, LastSeen: noon.Add(time.Minute),
		},
		{ID: "h4", Kind: watch.KindAnomaly, Level: sigma.Informational, Source: watch.Source{Input: "-", Record: 1}},
	}
}

func writeAll(t *testing.T, format string, o Options) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := New(format, &b, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range sample() {
		if err := w.Write(h); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	for name, o := range map[string]Options{
		"hits.jsonl":        {},
		"hits.sarif":        {Version: "1.2.3"},
		"hits.table":        {},
		"hits-100.table":    {Width: 100},
		"hits-40.table":     {Width: 40},
		"hits-colour.table": {Width: 120, Colour: true},
	} {
		t.Run(name, func(t *testing.T) {
			golden(t, name, writeAll(t, strings.TrimPrefix(filepath.Ext(name), "."), o))
		})
	}
}

func TestUnknownFormat(t *testing.T) {
	if _, err := New("xml", nil, Options{}); err == nil || !strings.Contains(err.Error(), "jsonl, table or sarif") {
		t.Errorf("New(xml) = %v, want an error that names the formats", err)
	}
}

// TestTableFits holds each line to the terminal's width, whatever a record says.
func TestTableFits(t *testing.T) {
	for _, width := range []int{60, 80, 100, 132, 200} {
		for _, line := range strings.Split(string(writeAll(t, "table", Options{Width: width})), "\n") {
			if n := columns(line); n > width {
				t.Errorf("%d columns on a terminal of %d: %s", n, width, line)
			}
		}
	}
}

func TestHarmless(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"plain":           {`C:\x "y"`, `C:\x "y"`},
		"french, arabic":  {"é عربي", "é عربي"},
		"escape sequence": {"\x1b]0;title\a", `\x1b]0;title\x07`},
		"line ends":       {"a\r\nb\tc", `a\x0d\x0ab\x09c`},
		"bidi":            {"a\u202eb\u2066c\u200fd", `a\u202eb\u2066c\u200fd`},
		"C1":              {"a\u009bb", `a\u009bb`},
		"no utf-8":        {"a\xff\xfeb", `a\xff\xfeb`},
		"line separator":  {"a\u2028b\ufeff", `a\u2028b\ufeff`},
		"private":         {"\U000e0041", `\u{0e0041}`},
	} {
		t.Run(name, func(t *testing.T) {
			if got := Harmless(c.in); got != c.want {
				t.Errorf("Harmless(%q) = %q, want %q", c.in, got, c.want)
			}
		})
	}
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		in   string
		n    int
		want string
	}{
		{"abc", 3, "abc"}, {"abcd", 3, "ab…"}, {"日本語", 6, "日本語"}, {"日本語", 5, "日本…"}, {"日本語", 4, "日…"},
		{"e\u0301e\u0301", 2, "e\u0301e\u0301"}, {"abc", 1, "…"}, {"abc", 0, ""},
	} {
		if got := fit(c.in, c.n); got != c.want {
			t.Errorf("fit(%q, %d) = %q, want %q", c.in, c.n, got, c.want)
		}
	}
}

// sarifShape checks what the schema requires and a golden file would not tell.
func TestSARIFShape(t *testing.T) {
	for name, raw := range map[string][]byte{"hits": writeAll(t, "sarif", Options{}), "none": emptySARIF(t)} {
		var log struct {
			Schema  string `json:"$schema"`
			Version string
			Runs    []struct {
				Tool struct {
					Driver struct {
						Name  string
						Rules []struct{ ID string }
					}
				}
				Results []struct {
					RuleID    string
					RuleIndex int
					Level     string
					Message   struct{ Text string }
				}
			}
		}
		if err := json.Unmarshal(raw, &log); err != nil {
			t.Fatalf("%s: not JSON: %v\n%s", name, err, raw)
		}
		if log.Version != "2.1.0" || len(log.Runs) != 1 || log.Runs[0].Tool.Driver.Name != "Borj" {
			t.Errorf("%s: version, runs or tool are wrong: %+v", name, log)
		}
		if log.Runs[0].Results == nil || log.Runs[0].Tool.Driver.Rules == nil {
			t.Errorf("%s: results and rules must be there, if empty", name)
		}
		for _, r := range log.Runs[0].Results {
			if got := log.Runs[0].Tool.Driver.Rules[r.RuleIndex].ID; got != r.RuleID {
				t.Errorf("%s: ruleIndex %d is %s, want %s", name, r.RuleIndex, got, r.RuleID)
			}
			if strings.Contains(r.Message.Text, "[x](") {
				t.Errorf("%s: a record smuggled a link into %q", name, r.Message.Text)
			}
		}
	}
}

func emptySARIF(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := NewSARIF(&b, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestWriteErrors(t *testing.T) {
	t.Run("full disk", func(t *testing.T) {
		if _, err := os.Stat("/dev/full"); err != nil {
			t.Skip("no /dev/full on this system")
		}
		for name, create := range map[string]func() (*File, error){
			"stream": func() (*File, error) { return Create("/dev/full", nil) },
			"whole":  func() (*File, error) { return CreateWhole("/dev/full", nil) },
		} {
			f, err := create()
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, err := f.Write([]byte("x")); err != nil {
				t.Fatalf("%s: a buffered byte failed early: %v", name, err)
			}
			err = f.Close()
			if err == nil || !strings.Contains(err.Error(), "/dev/full") || !strings.Contains(err.Error(), "free some space") {
				t.Errorf("%s: Close = %v, want the file and what to do", name, err)
			}
			if _, again := f.Write([]byte("x")); again == nil {
				t.Errorf("%s: the error was forgotten", name)
			}
		}
	})
	t.Run("no directory", func(t *testing.T) {
		_, err := Create(filepath.Join(t.TempDir(), "no", "file"), nil)
		if err == nil || !strings.Contains(err.Error(), "create the directory") {
			t.Errorf("Create = %v, want what to do", err)
		}
	})
	t.Run("stdout", func(t *testing.T) {
		f, err := Create("-", brokenPipe{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(nil); err != nil {
			t.Fatal(err)
		}
		f.Write(make([]byte, 2*bufferSize))
		if err := f.Close(); err == nil || !strings.Contains(err.Error(), "standard output") {
			t.Errorf("Close = %v, want the error of standard output", err)
		}
	})
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, errors.New("broken") }

func TestCreateWhole(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "stats.json")
	f, err := CreateWhole(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(name); err == nil {
		t.Error("the file is there before it is complete")
	}
	f.Write([]byte("{}\n"))
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("the directory holds %v (%v), want stats.json only", left, err)
	}
	if got, _ := os.ReadFile(name); string(got) != "{}\n" {
		t.Errorf("the file holds %q", got)
	}
}

func TestDiscard(t *testing.T) {
	dir := t.TempDir()
	f, err := CreateWhole(filepath.Join(dir, "stats.json"), nil)
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte("{"))
	f.Discard()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("the directory holds %v (%v), want nothing", left, err)
	}
	var none *File
	none.Discard()
	if err := errors.Join(none.Flush(), none.Close()); err != nil {
		t.Errorf("the nil File fails: %v", err)
	}
}

func TestRejects(t *testing.T) {
	var b bytes.Buffer
	rj := NewRejects(&b)
	for _, r := range []record.Reject{
		{Input: "eve.json", Record: 2, Offset: 40, Bytes: 7, Reason: "byte 3: not a JSON object", Sample: "not\x00 \"json"},
		{Input: "eve.json", Record: 9, Offset: 400, Bytes: 7, Reason: "byte 12: not a JSON object", Sample: "x"},
		{Input: "eve.json", Record: 10, Offset: 500, Bytes: 1, Reason: "nested too deeply", Sample: "{"},
	} {
		if err := rj.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	var first record.Reject
	line, _, _ := strings.Cut(b.String(), "\n")
	if err := json.Unmarshal([]byte(line), &first); err != nil || first.Sample != "not\x00 \"json" || first.Offset != 40 {
		t.Errorf("the first line reads %+v (%v): %s", first, err, line)
	}
	want := []Count{{"not a JSON object", 2}, {"nested too deeply", 1}}
	if diff := cmp.Diff(want, rj.Reasons()); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func TestRejectsAreBounded(t *testing.T) {
	rj := NewRejects(nil)
	for i := range 3 * maxReasons {
		if err := rj.Write(record.Reject{Reason: "reason " + strings.Repeat("x", i+1)}); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(rj.Reasons()); n > maxReasons+1 {
		t.Errorf("%d reasons are kept, want at most %d", n, maxReasons+1)
	}
}
