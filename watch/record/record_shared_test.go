package record

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"
)

// Every real record has a time, and where its format names one a host; it is
// rendered as valid JSON, and a sample of them is read as the plain parser
// reads it.
func TestRealRecords(t *testing.T) {
	data := sweep(t)
	tests := []struct {
		path          string
		times, hosts  float64 // the least share of records that have one
		first, latest time.Time
	}{
		{"suricata/pcap-runs", 0.99, 0, date(2019), date(2028)},
		{"zeek", 0.98, 0, date(2018), date(2026)},
		{"security-datasets/atomic/windows/discovery", 1, 1, date(2019), date(2024)},
		{"security-datasets/atomic/windows/execution", 1, 1, date(2019), date(2024)},
		{"security-datasets/atomic/linux", 1, 0, date(2019), date(2024)},
		{"sigma/regression_data/rules-emerging-threats", 1, 1, date(2018), date(2027)},
	}
	for _, tt := range tests {
		t.Run(tt.path, func(t *testing.T) {
			var records, times, hosts float64
			readTally(t, Options{Auto: true}, func(in string, r *Record) {
				records++
				if when, ok := r.Time(); ok {
					times++
					if when.Before(tt.first) || when.After(tt.latest) {
						t.Errorf("%s: the time %v of %.300s", in, when, r.Raw)
					}
				}
				if r.Host() != "" {
					hosts++
				}
				if int(records)%17 != 0 {
					return
				}
				if event := r.AppendEvent(nil); !json.Valid(event) || !utf8.Valid(event) {
					t.Errorf("%s: rendered as %.300s", in, event)
				}
				if !r.isJSON() {
					return
				}
				n := 0
				slow := slowParser{s: r.Raw, visit: func(path string, start int, kind Kind) {
					if f := r.Fields[min(n, len(r.Fields)-1)]; int(f.Start) != start || f.Kind != kind || f.Kind == Number && r.Locate(&f) != path {
						t.Errorf("%s: field %d of %.300s", in, n, r.Raw)
					}
					n++
				}}
				if err := slow.object(); err != nil || n != len(r.Fields) {
					t.Errorf("%s: %d fields, want %d (%v): %.300s", in, len(r.Fields), n, err, r.Raw)
				}
			}, filepath.Join(data, tt.path))
			t.Logf("%.0f records, %.0f with a time, %.0f with a host", records, times, hosts)
			if records == 0 || times < tt.times*records || hosts < tt.hosts*records {
				t.Errorf("of %.0f records %.0f have a time and %.0f a host", records, times, hosts)
			}
		})
	}
}

func date(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
