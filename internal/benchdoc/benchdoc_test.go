package main

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden file, instead of comparing")

const measured = `goos: linux
cpu: Some CPU @ 2.10GHz
BenchmarkFlatten/eve/borj-2     	 100	 1000 ns/op	 950.00 MB/s	 0 B/op	 0 allocs/op
BenchmarkFlatten/eve/borj-2     	 100	 1100 ns/op	 990.00 MB/s	 0 B/op	 0 allocs/op
BenchmarkFlatten/eve/borj-2     	 100	 1200 ns/op	 970.00 MB/s	 0 B/op	 0 allocs/op
BenchmarkFlatten/eve/slow-2     	 100	 9000 ns/op	 100.00 MB/s	 12345 B/op	 3 allocs/op
BenchmarkFlatten/eve/quick-json-2 	 100	 2000 ns/op	 500.00 MB/s	 1 B/op	 1 allocs/op
BenchmarkIndicators/eve-60k/borj-2 	 10	 1000 ns/op	 600.00 MB/s	 650.0 MB/cpu-s
BenchmarkIndicators/eve-5M/borj-2 	 10	 1000 ns/op	 500.00 MB/s	 640.0 MB/cpu-s
BenchmarkIndicators/eve-5M/map-2 	 10	 1000 ns/op	 700.00 MB/s	 320.0 MB/cpu-s
BenchmarkBuild/5000000-2 	 1	 4000000000 ns/op	 140.2 MB	 90.0 MB-keys
BenchmarkSigma/mix/borj-2       	 10	 5000 ns/op	 200000 events/s	 2.4 candidates/event
BenchmarkSigma/mix/oracle-2     	 10	 5000 ns/op	 100 events/s
BenchmarkRules/load/borj-2      	 1	 1500000000 ns/op	 1.5 s
BenchmarkJSONL-2                	 1000	 935.5 ns/op	 0 B/op	 0 allocs/op
PASS
ok  	borj.dev/borj/watch/output	1.0s
`

func TestPage(t *testing.T) {
	results, cpu, err := parse(strings.NewReader(measured))
	if err != nil {
		t.Fatal(err)
	}
	got := render(results, cpu, goals)
	if *update {
		if err := os.WriteFile("testdata/page.md", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/page.md")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("testdata/page.md differs (-want +got); if it should, run go test -update\n%s", diff)
	}
}

func TestParse(t *testing.T) {
	results, _, err := parse(strings.NewReader(measured))
	if err != nil {
		t.Fatal(err)
	}
	want := result{"Flatten/eve/borj", map[string]float64{"ns/op": 1100, "MB/s": 970, "B/op": 0, "allocs/op": 0}}
	if diff := cmp.Diff(want, results[0], cmp.AllowUnexported(result{})); diff != "" {
		t.Errorf("the median of three runs (-want +got):\n%s", diff)
	}
	if _, _, err := parse(strings.NewReader("BenchmarkX-2 1 abc ns/op\n")); err == nil {
		t.Error("a figure that is no number was accepted")
	}
}
