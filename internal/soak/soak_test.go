package main

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTargetsIn(t *testing.T) {
	got := targetsIn("ok  \tborj.dev/borj\t0.01s\nFuzzFlatten\nFuzzInput\nok  \tborj.dev/borj/watch/record\t0.02s\n" +
		"?   \tborj.dev/borj/cmd/borj\t[no test files]\nFuzzEvent\nok  \tborj.dev/borj/watch/output\t0.02s\n")
	want := []target{
		{"borj.dev/borj/watch/record", "FuzzFlatten"},
		{"borj.dev/borj/watch/record", "FuzzInput"},
		{"borj.dev/borj/watch/output", "FuzzEvent"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(target{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestReport(t *testing.T) {
	page := report([]outcome{
		{"a.FuzzX", 30 * time.Second, "12 executions, 3 interesting inputs", nil},
		{"b.FuzzY", time.Second, "", errors.New("exit status 1")},
	}, 30*time.Second)
	for _, want := range []string{
		"| a.FuzzX | 30s | passed | 12 executions, 3 interesting inputs |",
		"| b.FuzzY | 1s | **failed** |  |",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the report lacks %q:\n%s", want, page)
		}
	}
}
