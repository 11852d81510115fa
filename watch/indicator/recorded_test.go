package indicator

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"borj.dev/borj/internal/recorded"
	"borj.dev/borj/watch/observable"
	"borj.dev/borj/watch/record"
)

// TestRecordedHits compares the number of records that each of the chosen
// addresses and names hits in real EVE and Zeek logs with the counts that came
// with those logs.
func TestRecordedHits(t *testing.T) {
	data := recorded.Path(t)
	text, err := os.ReadFile(filepath.Join(data, "indicators", "expected_hits.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want struct {
		EVEIP      map[string]int `json:"eve_ip"`
		EVEDomain  map[string]int `json:"eve_domain"`
		ZeekIP     map[string]int `json:"zeek_ip"`
		ZeekDomain map[string]int `json:"zeek_domain"`
		AbsentIP   []string       `json:"absent_ip"`
	}
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		format      record.Format
		files       string
		ip, domain  map[string]int
		ipFields    []string
		nameFields  []string
		leaveOutAll string // event_type of records that are not counted
	}{
		{record.FormatEVE, "suricata/pcap-runs/*.eve.json.gz", want.EVEIP, want.EVEDomain, []string{"src_ip", "dest_ip"}, []string{"dns.rrname", "dns.query.rrname", "tls.sni", "http.hostname"}, "stats"},
		{record.FormatZeek, "zeek/wrccdc-*.json.gz", want.ZeekIP, want.ZeekDomain, []string{"id.orig_h", "id.resp_h"}, []string{"query", "server_name"}, ""},
	} {
		t.Run(c.format.String(), func(t *testing.T) {
			b := NewBuilder(nil)
			expected := map[string]int{} // by the value as a hit prints it
			add := func(text string, n int) {
				k, ok := observable.Recognise(text)
				if !ok {
					t.Fatalf("%q is not recognised", text)
				}
				if err := b.Add(&Indicator{Term: Term{Kind: k, Value: text}}); err != nil {
					t.Fatal(err)
				}
				v, _ := observable.Canonical(k, text)
				expected[v] = n
			}
			for v, n := range c.ip {
				add(v, n)
			}
			for v, n := range c.domain {
				add(v, n)
			}
			for _, v := range want.AbsentIP {
				add(v, 0)
			}
			got := countRecorded(t, b.Build(), c.format, filepath.Join(data, c.files), c.leaveOutAll, append(c.ipFields, c.nameFields...))
			for v, n := range expected {
				if got[v] != n {
					t.Errorf("%s hits %d records, want %d", v, got[v], n)
				}
			}
		})
	}
}

// countRecorded counts the records that each indicator hits in one of fields.
func countRecorded(t *testing.T, s *Set, format record.Format, files, leaveOut string, fields []string) map[string]int {
	t.Helper()
	names, err := filepath.Glob(files)
	if err != nil || len(names) == 0 {
		t.Fatalf("no files %s: %v", files, err)
	}
	paths := record.NewPaths(0)
	fl, ex, w := record.NewFlattener(paths, record.DefaultLimits), observable.NewExtractor(s.Kinds()), NewWorker(time.Now)
	count := map[string]int{}
	var obs []observable.Observable
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(z)
		lines.Buffer(nil, 16<<20)
		for lines.Scan() {
			rec, err := fl.Flatten(lines.Bytes(), format)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if kind, _ := rec.First("event_type"); leaveOut != "" && kind == leaveOut {
				continue
			}
			obs = ex.Extract(rec, obs[:0])
			s.Match(w, rec, obs, func(h *Hit) {
				if slices.ContainsFunc(h.Matched, func(i int32) bool {
					return slices.Contains(fields, paths.Path(rec.Fields[i].Path))
				}) {
					count[h.Value]++
				}
			})
		}
		if err := lines.Err(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		_ = f.Close()
	}
	return count
}
