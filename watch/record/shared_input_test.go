package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"borj.dev/borj/internal/recorded"
)

// sweep returns where the recorded data is, for tests that read much of it.
func sweep(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("reads much recorded data: not with -short")
	}
	return recorded.Path(t)
}

// tally is what one input gave.
type tally struct {
	format Format
	shape  string
	good   int
	bad    []Reject
}

// readTally reads paths to their end, by input.
func readTally(t *testing.T, opt Options, visit func(in string, r *Record), paths ...string) (map[string]*tally, *Source) {
	t.Helper()
	s, err := Open(paths, opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	fl := NewFlattener(NewPaths(0), s.Limits())
	all := map[string]*tally{}
	for {
		c, err := s.Next()
		if err != nil {
			break
		}
		in := all[c.Input.Name]
		if in == nil {
			in = &tally{format: c.Input.Format, shape: c.Input.Shape}
			all[c.Input.Name] = in
		}
		c.Each(fl, func(_ int, r *Record) {
			in.good++
			if visit != nil {
				visit(c.Input.Name, r)
			}
		}, func(_ int, rej Reject) { in.bad = append(in.bad, rej) })
		c.Release()
	}
	return all, s
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, into); err != nil {
		t.Fatal(err)
	}
}

func (in *tally) check(t *testing.T, name string, want int, format Format) {
	t.Helper()
	if in == nil {
		t.Errorf("%s was not read", name)
		return
	}
	if in.good != want || len(in.bad) != 0 || in.format != format {
		t.Errorf("%s: %d records and %d set aside as %v (%s), want %d as %v; %+v", name, in.good, len(in.bad), in.format, in.shape, want, format, in.bad[:min(len(in.bad), 1)])
	}
}

func TestSharedSecurityDatasets(t *testing.T) {
	dir := filepath.Join(sweep(t), "security-datasets")
	var want []struct {
		Zip, Member string
		Lines       int
	}
	readJSON(t, filepath.Join(dir, "counts.json"), &want)
	got, s := readTally(t, Options{Auto: true}, nil, dir)
	for _, p := range s.Problems() {
		t.Errorf("problem: %v", p)
	}
	for _, w := range want {
		format := FormatWindows
		if strings.Contains(w.Zip, "/linux/") {
			format = FormatAudit
		}
		name := filepath.Join(dir, w.Zip) + "!" + w.Member
		got[name].check(t, name, w.Lines, format)
	}
	t.Logf("%d inputs, %d passed over", len(s.Inputs()), len(s.Skipped()))
}

func TestSharedEVE(t *testing.T) {
	dir := filepath.Join(sweep(t), "suricata")
	var runs []struct {
		File   string
		Events int
	}
	readJSON(t, filepath.Join(dir, "pcap-runs", "counts.json"), &runs)
	got, _ := readTally(t, Options{Auto: true}, nil, dir)
	for _, w := range runs {
		name := filepath.Join(dir, "pcap-runs", w.File)
		got[name].check(t, name, w.Events, FormatEVE)
	}
	var verify []struct {
		File   string
		Events int
	}
	readJSON(t, filepath.Join(dir, "verify-expected.json"), &verify)
	for _, w := range verify {
		name := filepath.Join(dir, "verify-eve.tar.gz") + "!verify/" + w.File
		if in := got[name]; in == nil && w.Events == 0 {
			continue
		}
		got[name].check(t, name, w.Events, FormatEVE)
	}
}

func TestSharedZeek(t *testing.T) {
	dir := filepath.Join(sweep(t), "zeek")
	files, err := filepath.Glob(filepath.Join(dir, "*.gz"))
	if err != nil {
		t.Fatal(err)
	}
	tsv, err := filepath.Glob(filepath.Join(dir, "tsv", "*.gz"))
	if err != nil {
		t.Fatal(err)
	}
	streams := map[string]int{}
	got, s := readTally(t, Options{Auto: true}, func(in string, r *Record) {
		for _, name := range []string{"_path", "@stream"} {
			if v, ok := r.First(name); ok && v != "" {
				streams[in]++
				break
			}
		}
	}, dir)
	if len(s.Problems()) > 0 {
		t.Error(s.Problems())
	}
	for _, name := range append(files, tsv...) {
		rows := plainRows(t, name)
		got[name].check(t, name, rows, FormatZeek)
		if streams[name] != rows {
			t.Errorf("%s: %d of %d records name their log", name, streams[name], rows)
		}
	}
}

// plainRows counts the lines of a gzip file that are neither empty nor
// comments.
func plainRows(t *testing.T, name string) int {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	sc := bufio.NewScanner(z)
	sc.Buffer(nil, 64<<20)
	for sc.Scan() {
		if len(bytes.TrimSpace(sc.Bytes())) > 0 && sc.Bytes()[0] != '#' {
			n++
		}
	}
	if sc.Err() != nil {
		t.Fatal(sc.Err())
	}
	return n
}

func TestSharedSigmaRegression(t *testing.T) {
	dir := filepath.Join(sweep(t), "sigma")
	var want []struct {
		Dir         string
		Files       []string
		JSONRecords int `json:"json_records"`
	}
	readJSON(t, filepath.Join(dir, "regression_expected.json"), &want)
	got, s := readTally(t, Options{Auto: true}, nil, filepath.Join(dir, "regression_data"))
	for _, p := range s.Problems() {
		t.Errorf("problem: %v", p)
	}
	for _, w := range want {
		sum := 0
		for _, f := range w.Files {
			in := got[filepath.Join(dir, "regression_data", w.Dir, f)]
			if in == nil || !strings.HasSuffix(f, ".json") {
				continue
			}
			sum += in.good
			if len(in.bad) > 0 {
				t.Errorf("%s/%s: %+v", w.Dir, f, in.bad[0])
			}
			if in.format != FormatWindows {
				t.Errorf("%s/%s: %v, %s", w.Dir, f, in.format, in.shape)
			}
		}
		if sum != w.JSONRecords {
			t.Errorf("%s: %d records, want %d", w.Dir, sum, w.JSONRecords)
		}
	}
}
